"""A project with toy stages and a stand-in for ``dvc`` that runs them one after the other."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

STAGES = Path(__file__).resolve().parents[2] / "stages"

# Runs a line of its input as DVC would run a stage, and says its exit code.
_DVC = """
import os, signal, subprocess, sys
for line in sys.stdin:
    stage, command = line.rstrip().split(" ", 1)
    running = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}"], env=os.environ | {"DVC_STAGE": stage}, stdin=subprocess.DEVNULL
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = running.wait()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(f"ended {stage} {code}", flush=True)
"""
# Tells where it runs and what it was given.
_TELL = """
import os, sys
import stages.words
print("out", os.getcwd(), sys.argv[1:], os.environ.get("GIVEN"), stages.words.WORD, flush=True)
print("err", file=sys.stderr, flush=True)
print("libraries", "decimal" in sys.modules, "own", "stages.handover" in sys.modules, flush=True)
"""
_END = """
import sys
if __name__ == "__main__":
    how = sys.argv[1]
    if how == "error":
        raise ValueError("broken")
    if how == "words":
        raise SystemExit("error: said why")
    sys.exit(int(how))
"""
_WAIT = """
import os, signal, sys, time
def stop(number, _):
    print("got", number, flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
try:
    print("waits", os.getpid(), flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("got ctrl-c", flush=True)
    sys.exit(8)
"""
# Starts a worker as its own module, as a search does.
_START = """
import subprocess, sys
import stages
if sys.argv[1:]:
    print("worker", "decimal" in sys.modules, flush=True)
else:
    subprocess.run([sys.executable, "-m", "stages.start", "worker"], check=True)
"""


@dataclass
class Toy:
    """The stand-in for ``dvc``, running in a process group of its own.

    Attributes:
        root: The project.
        said: Lines that it and its stages have said.
    """

    root: Path
    dvc: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def begin(self, stage: str, command: str) -> None:
        assert self.dvc.stdin is not None
        self.dvc.stdin.write(f"{stage} {command}\n")
        self.dvc.stdin.flush()

    def hear(self, start: str) -> str:
        """Return the next line that starts so."""
        assert self.dvc.stdout is not None
        for line in self.dvc.stdout:
            self.said.append(line.rstrip())
            if line.startswith(start):
                return line.rstrip()
            assert not line.startswith("ended"), self.said
        raise AssertionError(f"never said {start}: {self.said}")

    def run(self, command: str, stage: str = "toy") -> tuple[int, list[str]]:
        """Run a stage; return its exit code and what it said."""
        before = len(self.said)
        self.begin(stage, command)
        code = self.hear(f"ended {stage} ").rpartition(" ")[2]
        return int(code), self.said[before:-1]

    def warm_up(self) -> None:
        """Run the two stages that start as any program, and wait for the process with the libraries."""
        for number in (1, 2):
            assert self.run(f"{sys.executable} -m stages.end 0", f"first{number}") == (0, [])
        wait_for(lambda: any((self.root / "work" / "warm").glob("*/socket")))

    def stop(self) -> None:
        assert self.dvc.stdin is not None
        self.dvc.stdin.close()
        self.dvc.wait(20)


def wait_for(condition: object) -> None:
    """Wait until a function says yes."""
    assert callable(condition)
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def runs(process: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def toy(root: Path, **environment: str) -> Iterator[Toy]:
    """Make the project, start its ``dvc``, and stop both afterwards."""
    for folder in ("stages", "pathgen/tracking"):
        (root / folder).mkdir(parents=True)
    for name in ("__init__", "handover", "warm"):
        shutil.copy(STAGES / f"{name}.py", root / "stages")
    warm = root / "stages" / "warm.py"
    text, found = re.subn(
        r"_LIBRARIES = \(.*?\n\)", '_LIBRARIES = ("decimal",)', warm.read_text(), flags=re.S
    )
    assert found == 1
    warm.write_text(text)
    for name, code in {
        "tell": _TELL,
        "end": _END,
        "wait": _WAIT,
        "start": _START,
        "words": "WORD = 1",
    }.items():
        (root / "stages" / f"{name}.py").write_text(code)
    for name in ("__init__", "tracking/__init__", "tracking/door"):
        (root / "pathgen" / f"{name}.py").write_text("")
    (root / "dvc").write_text(_DVC)
    handed_down = {
        name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "PATHGEN_", "COV_"))
    }
    dvc = subprocess.Popen(
        [sys.executable, str(root / "dvc")],
        cwd=root,
        env=handed_down | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
        start_new_session=True,
    )
    try:
        yield Toy(root, dvc)
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if dvc.poll() is None:
                os.killpg(dvc.pid, number)
                time.sleep(0.05)
        assert dvc.stdin is not None and dvc.stdout is not None
        dvc.stdin.close()
        dvc.stdout.close()
        dvc.wait()
