"""A training in several processes: each is told who it is, and all end with the first that fails."""

import os
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pathgen.core.errors import PathgenError
from pathgen.gan.distributed import launch

ROOT = Path(__file__).resolve().parents[2]
MODULE = """
import os, pathlib, signal, sys, time
here = pathlib.Path(sys.argv[1])
rank = os.environ["RANK"]
(here / rank).write_text(" ".join([os.environ["WORLD_SIZE"], os.environ["LOCAL_RANK"], str(os.getpid())]))
if len(sys.argv) > 2:
    while not (here / "0").exists():
        time.sleep(0.01)
    if rank == "1":
        os.kill(os.getpid(), signal.SIGKILL) if sys.argv[2] == "kill" else sys.exit(int(sys.argv[2]))
    time.sleep(60)
"""

DIVERGED = """
import pathlib, sys, time, torch
from pathgen.gan.distributed import joined
from pathgen.errors import PathgenError, cli_errors
with cli_errors(), joined(2, torch.device("cpu")) as group:
    try:
        group.mean(torch.ones(1))
        raise PathgenError("train", f"has diverged, says {group.rank}", "Lower the learning rate")
    finally:
        if group.leads:
            time.sleep(1.0)
            pathlib.Path(sys.argv[1], "recorded").touch()
"""


@pytest.fixture(autouse=True)
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "launched_module.py").write_text(MODULE)
    (tmp_path / "diverged_module.py").write_text(DIVERGED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_each_process_is_told_who_it_is(tmp_path: Path) -> None:
    launch(2, ("launched_module", str(tmp_path)), "train")
    told = [(tmp_path / str(rank)).read_text().split() for rank in range(2)]
    assert [one[:2] for one in told] == [["2", "0"], ["2", "1"]]
    assert told[0][2] != told[1][2]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("kill", "signal SIGKILL. Start the same command again"),
        ("143", "signal SIGTERM. Start the same command again"),
        ("1", "exit code 1. Do what the error above says"),
    ],
)
def test_all_end_with_the_first_that_fails(tmp_path: Path, how: str, told: str) -> None:
    begun = time.monotonic()
    with pytest.raises(PathgenError, match=f"train: process 1 of 2 ended with {told}"):
        launch(2, ("launched_module", str(tmp_path), how), "train")
    assert time.monotonic() - begun < 30
    process = int((tmp_path / "0").read_text().split()[2])
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_the_first_records_and_tells_what_all_have_met(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PathgenError, match=r"process 0 of 2 ended with exit code 1"):
        launch(2, ("diverged_module", str(tmp_path)), "train")
    assert (tmp_path / "recorded").exists()
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error:")]
    assert errors == ["error: train: has diverged, says 0. Lower the learning rate."]


def test_a_training_that_does_not_know_its_stage_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    params["compute"] |= {"device": "cpu", "threads": 1, "processes": 2}
    YAML(typ="safe").dump(params, tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("DVC_STAGE", raising=False)
    with pytest.raises(PathgenError, match="process 0 of 2 ended with exit code 1"):
        launch(2, ("stages.train_gan", "--generator", "dcgan", "--label", "normal"), "train")
    (error,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error:")]
    assert error.startswith("error: DVC_STAGE: is not set")
    assert error.endswith("Begin the command with DVC_STAGE=train_gan@dcgan-normal.")
    assert not (tmp_path / "work").exists()
