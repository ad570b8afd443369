"""A process that has the libraries loaded, and of which each stage is a copy.

torch, MLflow, SQLAlchemy, SciPy and DVC's library take a stage 4 to 5 s of processor time to load, more than
many stages work (docs/decisions/0020). So the second stage of a ``dvc repro`` starts one process that loads
them, and from then on a stage is a fork of it: the command that DVC has started hands over its arguments,
its environment and its output (`stages.handover`), waits, and ends with the fork's exit code. Only libraries
are loaded before: each stage reads the project's own code anew.

Signals mean what they did: the fork is in DVC's process group, so Ctrl-C and Ctrl-Z reach it; SIGTERM is
handed on; it dies with the command that asked for it. This process ends when ``dvc`` does. Where one of
this cannot be had - another system than Linux, a stage started by hand, libraries that cannot be loaded - a
stage starts as any program does. ``PATHGEN_COLD_START=1`` asks for that.
"""

import ctypes
import gc
import importlib
import json
import multiprocessing
import os
import runpy
import select
import shutil
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

from stages.handover import FOLDER, REQUEST_BYTES, SOCKET

_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux's prctl
_OWN = {"pathgen", "stages"}
# What most stages load; what is missing here is loaded by the stage that needs it.
_LIBRARIES = (
    "PIL.Image",
    "alembic.config",
    "configobj",
    "dulwich.worktree",
    "dvc.cachemgr",
    "dvc.data_cloud",
    "dvc.dirs",
    "dvc.lock",
    "dvc.repo.artifacts",
    "dvc.repo.datasets",
    "dvc.repo.metrics",
    "dvc.repo.params",
    "dvc.repo.plots",
    "dvc.repo.stage",
    "dvc.scm",
    "dvc.utils.strictyaml",
    "dvc_data.hashfile.db.local",
    "filelock",
    "fsspec.implementations.memory",
    "matplotlib.figure",
    "mlflow.store.tracking.sqlalchemy_workspace_store",
    "mlflow.tracing.processor.otel",
    "pandas",
    "pyarrow.parquet",
    "pyparsing",
    "ruamel.yaml",
    "safetensors.torch",
    "scipy.ndimage",
    "scipy.spatial",
    "scipy.stats",
    "scmrepo.git",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sqlalchemy.dialects.sqlite",
    "torch",
)


@dataclass(frozen=True)
class Running:
    """A stage that runs.

    Attributes:
        client: The connection to the command that asked for it; closed when that is gone.
        process: The fork.
        end: Readable when the fork has ended.
    """

    client: socket.socket
    process: ForkProcess
    end: int


def main() -> None:
    """Load the libraries and run stages until ``dvc`` has ended."""
    folder = FOLDER / sys.argv[1]
    dvc = os.pidfd_open(_number(folder))
    # They are meant for the stages.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    for other in FOLDER.iterdir():
        if not Path("/proc", str(_number(other))).exists():
            shutil.rmtree(other, ignore_errors=True)
    load_libraries()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(folder / SOCKET))
        listener.listen()
        _serve(listener, dvc)
    shutil.rmtree(folder, ignore_errors=True)


def _number(folder: Path) -> int:
    return int(folder.name.partition("-")[0])


def load_libraries() -> None:
    """Load what most stages load, but for the project's own code."""
    # MLflow's environment is set before it is loaded.
    importlib.import_module("pathgen.tracking.mlflow_import")
    for library in _LIBRARIES:
        importlib.import_module(library)
    for name in list(sys.modules):
        if name.partition(".")[0] in _OWN:
            del sys.modules[name]
    # A library may have put its own there, made for an output that goes nowhere.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    gc.freeze()


def _serve(listener: socket.socket, dvc: int) -> None:
    stages: list[Running] = []
    dvc_runs = True
    while dvc_runs or stages:
        watched = [number for stage in stages for number in (stage.client.fileno(), stage.end)]
        if dvc_runs:
            watched += [listener.fileno(), dvc]
        ready, _, _ = select.select(watched, [], [])
        for stage in list(stages):
            if _look_after(stage, ready):
                stages.remove(stage)
        if dvc in ready:
            dvc_runs = False
        elif listener.fileno() in ready:
            client, _ = listener.accept()
            message, streams, _, _ = socket.recv_fds(client, REQUEST_BYTES, 2)
            # Nothing comes from a command that was killed at this moment.
            if message:
                stages.append(_fork(client, json.loads(message), streams))


def _look_after(stage: Running, ready: list[int]) -> bool:
    """Hand on what came in for a stage; tell whether it has ended."""
    gone = False
    if stage.client.fileno() in ready:
        signals = stage.client.recv(1)
        gone = not signals
        assert stage.process.pid is not None
        os.kill(stage.process.pid, signal.SIGKILL if gone else signals[0])
    if not gone and stage.end not in ready:
        return False
    stage.process.join()
    os.close(stage.end)
    with stage.client:
        code = stage.process.exitcode or 0
        if not gone:
            # One that a signal has ended gets the code that a shell gives it. Who asked may be gone just now.
            with suppress(OSError):
                stage.client.send(str(code if code >= 0 else 128 - code).encode())
    return True


def _fork(client: socket.socket, request: dict[str, Any], streams: list[int]) -> Running:
    process = multiprocessing.get_context("fork").Process(target=_run, args=(request, streams, os.getpid()))
    process.start()
    for stream in streams:
        os.close(stream)
    assert process.pid is not None
    return Running(client, process, os.pidfd_open(process.pid))


def _run(request: dict[str, Any], streams: list[int], parent: int) -> None:
    ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
        os.close(stream)
    assert isinstance(sys.__stdout__, TextIOWrapper)
    sys.__stdout__.reconfigure(line_buffering=sys.__stdout__.isatty())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = [request["module"], *request["arguments"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
