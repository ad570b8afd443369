"""Hand a stage over to the process that has the libraries loaded (`stages.warm`), and wait for its end.

Only light modules are imported here: this is all that the command which DVC starts has to load.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

FOLDER = Path("work/warm")
SOCKET = "socket"
REQUEST_BYTES = 1 << 17
# Set for what a stage starts: its workers are no stages of their own.
_HANDED_OVER = "PATHGEN_STAGE_STARTED"
_COLD = "PATHGEN_COLD_START"


def hand_over() -> None:
    """Let the process with the libraries run this command; return where that cannot be.

    Raises:
        SystemExit: The stage has run; holds its exit code.
    """
    stage = os.environ["DVC_STAGE"]
    if sys.platform != "linux" or _COLD in os.environ or os.environ.get(_HANDED_OVER) == stage:
        return
    os.environ[_HANDED_OVER] = stage
    dvc = _dvc_process()
    # With options of the interpreter, e.g. a profiler's, the command is to run as it stands.
    if dvc is None or sys.orig_argv[1:2] != ["-m"]:
        return
    request = {"module": sys.orig_argv[2], "arguments": sys.argv[1:], "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        try:
            server.connect(str(FOLDER / dvc / SOCKET))
            socket.send_fds(server, [json.dumps(request).encode()], [1, 2])
        except OSError:
            with suppress(OSError):
                _prepare(dvc)
            return
        signal.signal(signal.SIGTERM, lambda number, _: _tell(server, number))
        # The terminal sends Ctrl-C to the stage, too.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = server.recv(REQUEST_BYTES)
    if not code:
        sys.exit(f"error: {stage}: the process that ran it was killed. Run the same command again")
    sys.exit(int(code))


def _tell(server: socket.socket, number: int) -> None:
    server.send(bytes([number]))


def _dvc_process() -> str | None:
    """Return number and start of the ``dvc`` that runs this command, which name it for all time; or None."""
    process = os.getppid()
    for _ in range(2):  # Some shells stay between the two.
        if process == 0:  # The first process of a container has no parent.
            return None
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        # After the name, which may hold anything: state, parent, ..., start. Source: man proc_pid_stat.
        facts = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        if any(Path(os.fsdecode(word)).name == "dvc" for word in words):
            return f"{process}-{facts[19]}"
        process = int(facts[1])
    return None


def _prepare(dvc: str) -> None:
    """Start the process for the stages to come; not for the first one, which may be the only one.

    Raises:
        OSError: It was started before, or cannot be.
    """
    folder = FOLDER / dvc
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        return
    (folder / "started").touch(exist_ok=False)
    subprocess.Popen(
        [sys.executable, "-m", "stages.warm", dvc],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
