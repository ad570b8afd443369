"""A training in several processes: each is told who it is, and all end with the first that fails."""

import os
import time
from pathlib import Path

import pytest

from pathgen.distributed import launch
from pathgen.errors import PathgenError

MODULE = """
import os, pathlib, signal, sys, time
here = pathlib.Path(sys.argv[1])
rank = os.environ["RANK"]
(here / rank).write_text(" ".join([os.environ["WORLD_SIZE"], os.environ["LOCAL_RANK"], str(os.getpid())]))
if len(sys.argv) > 2:
    while not (here / "0").exists():
        time.sleep(0.01)
    if rank == "1":
        os.kill(os.getpid(), signal.SIGKILL) if sys.argv[2] == "kill" else sys.exit(1)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "launched_module.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_each_process_is_told_who_it_is(tmp_path: Path) -> None:
    launch(2, ("launched_module", str(tmp_path)), "train")
    told = [(tmp_path / str(rank)).read_text().split() for rank in range(2)]
    assert [one[:2] for one in told] == [["2", "0"], ["2", "1"]]
    assert told[0][2] != told[1][2]


@pytest.mark.parametrize(("how", "ended"), [("kill", "signal SIGKILL"), ("exit", "exit code 1")])
def test_all_end_with_the_first_that_fails(tmp_path: Path, how: str, ended: str) -> None:
    begun = time.monotonic()
    with pytest.raises(PathgenError, match=f"train: process 1 of 2 ended with {ended}. .*same command again"):
        launch(2, ("launched_module", str(tmp_path), how), "train")
    assert time.monotonic() - begun < 30
    process = int((tmp_path / "0").read_text().split()[2])
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
