"""A training that is killed, a second one at the same work: nothing is lost, nothing is done twice."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from factories.tiny_study import Study, ran

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]

TRAINED = {
    "train_gan@dcgan": Path("models/gan/dcgan"),
    "train_original@cnn6-1": Path("models/classifier/original-cnn6-1"),
}


def _stage_of(dvc: psutil.Process) -> psutil.Process:
    """The process that computes, started by dvc's."""
    (stage,) = (
        child
        for child in dvc.children(recursive=True)
        if "python" in child.name() and "stages." in " ".join(child.cmdline())
    )
    return stage


_Suspended = tuple[subprocess.Popen[bytes], psutil.Process]


def _stop_after_a_snapshot(
    study: Study, stage: str, log: Path, label: str = "**/"
) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """Start a training and suspend it once it has a snapshot; return dvc's process and the stage's."""
    dvc = study.start("dvc", "repro", "--force", "--single-item", stage, log=log)
    until = time.monotonic() + 120
    while not any((study.root / "work" / "resume").glob(f"*/*/{label}snapshot*")):
        assert dvc.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
        time.sleep(0.002)
    process = _stage_of(psutil.Process(dvc.pid))
    process.suspend()
    return dvc, process


def _has_one_error_line(said: str, *words: str) -> bool:
    lines = [line for line in said.splitlines() if line.lower().startswith("error")]
    return len(lines) == 1 and "Traceback" not in said and all(word in lines[0] for word in words)


def _to_run(study: Study) -> list[str]:
    """Return the stages that a plan expects to run."""
    asked = "print(*stages_to_run(Path().resolve())[1])"
    imports = "from pathlib import Path; from pathgen.planning.plan import stages_to_run"
    return study.run("python", "-c", f"{imports}; {asked}").stdout.split()


@pytest.mark.parametrize(
    ("stage", "killed"), [("train_gan@dcgan", "all"), ("train_original@cnn6-1", "the stage")]
)
def test_killed_training_goes_on_to_the_same_bytes(finished, copy, tmp_path, stage, killed):
    dvc, process = _stop_after_a_snapshot(copy, stage, tmp_path / "log")
    assert not (copy.root / TRAINED[stage]).exists(), "it was over before it could be killed"
    if killed == "all":
        os.killpg(dvc.pid, signal.SIGKILL)
    else:
        process.kill()
    dvc.wait(60)
    # Forced, else DVC would take the outputs of the run before from its cache.
    said = copy.repro("--force", "--single-item", stage)
    begun_at = re.search(r"^\S*train \S+:\s+(\d+)%", said, re.MULTILINE)
    assert begun_at and int(begun_at[1]) > 0, "it did not go on where it was killed"
    assert copy.lock() == finished.study.lock()
    assert not any((copy.root / "work" / "resume").glob("*/*"))


def test_train_gan_killed_at_its_second_label_keeps_the_first(finished, copy, tmp_path):
    dvc, _ = _stop_after_a_snapshot(copy, "train_gan@dcgan", tmp_path / "log", "tumor/")
    os.killpg(dvc.pid, signal.SIGKILL)
    dvc.wait(60)
    said = copy.repro("--force", "--single-item", "train_gan@dcgan")
    shares = dict(re.findall(r"^\S*train dcgan-(\w+):\s+(\d+)%", said, re.MULTILINE)[::-1])
    assert shares["normal"] == "100", "the finished label was trained again"
    assert copy.lock() == finished.study.lock()


def test_code_edited_while_it_runs_is_not_taken_for_what_ran(copy, tmp_path):
    dvc, process = _stop_after_a_snapshot(copy, "train_gan@dcgan", tmp_path / "log")
    with (copy.root / "pathgen/gan/loop.py").open("a") as module:
        module.write("# another loop\n")
    process.resume()
    assert dvc.wait(120) == 0
    # DVC alone would take the edited file's hash now that the training is over, and call it up to date.
    trainings = ["train_gan@dcgan"]
    refused = copy.repro("--force", "--single-item", trainings[0], succeeds=False)
    assert "error: pathgen/gan/loop.py: has changed" in refused
    assert "check_params" in refused and "Traceback" not in refused
    # A classifier's network is loaded by its name.
    network = copy.root / "pathgen/classifier/networks/cnn6.py"
    before = network.read_bytes()
    network.write_bytes(before + b"# another network\n")
    refused = copy.repro("--force", "--single-item", "evaluate", succeeds=False)
    assert "error: pathgen/classifier/networks/cnn6.py: has changed" in refused
    network.write_bytes(before)
    assert set(trainings) <= set(_to_run(copy))
    assert "cohort" not in _to_run(copy)
    assert set(trainings) <= set(ran(copy.repro(*trainings)))


def test_second_process_at_the_same_work_is_refused(copy, tmp_path):
    dvc, process = _stop_after_a_snapshot(copy, "train_gan@dcgan", tmp_path / "log")
    try:
        twice = copy.run(*("python", "-m", "stages.train_gan", "--generator", "dcgan"), succeeds=False)
        again = copy.repro("--force", "--single-item", "train_gan@dcgan", succeeds=False)
    finally:
        process.resume()
        ended = dvc.wait(120)
    assert ended == 0, "the first one was harmed"
    assert (copy.root / TRAINED["train_gan@dcgan"]).is_dir()
    assert twice.stderr.startswith("error: stage train_gan-dcgan: another process is already running it")
    assert len(twice.stderr.splitlines()) == 1
    assert _has_one_error_line(again, "is busy"), again
