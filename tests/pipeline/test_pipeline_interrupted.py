"""A killed training resumes to the same bytes; a second process at the same work is refused."""

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

OUTPUTS = {
    "train_gan@dcgan": Path("models/gan/dcgan"),
    "train_original@cnn6": Path("models/classifier/original-cnn6"),
}


def suspend_after_a_snapshot(
    study: Study, stage: str, log: Path
) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """Start trainings and suspend them after a snapshot; return the processes of dvc and the stage."""
    dvc = study.start("dvc", "repro", "--force", "--single-item", stage, log=log)
    deadline = time.monotonic() + 120
    while not any((study.root / "work" / "resume").rglob("snapshot*")):
        assert dvc.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.002)
    (process,) = (
        child
        for child in psutil.Process(dvc.pid).children(recursive=True)
        if "python" in child.name() and "stages." in " ".join(child.cmdline())
    )
    for one in with_workers(process):
        one.suspend()
    return dvc, process


def with_workers(process: psutil.Process) -> list[psutil.Process]:
    """Return a stage's process and those that train."""
    return [process, *process.children(recursive=True)]


def resume(process: psutil.Process) -> None:
    """Let a stage and its trainings go on."""
    for one in with_workers(process):
        one.resume()


@pytest.mark.parametrize(
    ("stage", "killed"), [("train_gan@dcgan", "all"), ("train_original@cnn6", "the stage")]
)
def test_killed_training_resumes_to_the_same_bytes(finished, copy, tmp_path, stage, killed):
    dvc, process = suspend_after_a_snapshot(copy, stage, tmp_path / "log")
    assert not (copy.root / OUTPUTS[stage]).exists(), "it ended before it was killed"
    if killed == "all":
        os.killpg(dvc.pid, signal.SIGKILL)
    else:
        workers = process.children(recursive=True)
        process.kill()
        for worker in workers:
            worker.resume()
        assert psutil.wait_procs(workers, timeout=60)[1] == [], "a worker outlives the stage"
    dvc.wait(60)
    # Forced: otherwise DVC would take the outputs of the earlier run from its cache.
    output = copy.repro("--force", "--single-item", stage)
    begun_at: dict[str, int] = {}
    for name, percent in re.findall(r"^\S*train (\S+):\s+(\d+)%", output, re.MULTILINE):
        begun_at.setdefault(name, int(percent))
    assert max(begun_at.values()) > 0, "none was resumed"
    assert copy.lock() == finished.study.lock()
    assert not any((copy.root / "work" / "resume").glob("*/*"))


def test_code_edited_during_a_training_is_not_recorded(copy, tmp_path):
    dvc, process = suspend_after_a_snapshot(copy, "train_gan@dcgan", tmp_path / "log")
    with (copy.root / "pathgen/gan/loop.py").open("a") as module:
        module.write("# another loop\n")
    resume(process)
    assert dvc.wait(120) == 0
    # DVC alone would hash the edited file after the training and call the stage up to date.
    refused = copy.repro("--force", "--single-item", "train_gan@dcgan", succeeds=False)
    assert "error: pathgen/gan/loop.py: has changed" in refused
    assert "check_params" in refused and "Traceback" not in refused
    assert "train_gan@dcgan" in ran(copy.repro("train_gan@dcgan"))


def test_edited_network_is_refused(copy):
    network = copy.root / "pathgen/classifier/networks/cnn6.py"
    network.write_bytes(network.read_bytes() + b"# another network\n")
    refused = copy.repro("--force", "--single-item", "evaluate", succeeds=False)
    assert "error: pathgen/classifier/networks/cnn6.py: has changed" in refused


def test_second_process_at_the_same_work_is_refused(copy, tmp_path):
    dvc, process = suspend_after_a_snapshot(copy, "train_gan@dcgan", tmp_path / "log")
    try:
        by_hand = copy.run("python", "-m", "stages.train_gan", "--generator", "dcgan", succeeds=False)
        by_dvc = copy.repro("--force", "--single-item", "train_gan@dcgan", succeeds=False)
    finally:
        resume(process)
        ended = dvc.wait(120)
    assert ended == 0, "the first process was affected"
    assert (copy.root / OUTPUTS["train_gan@dcgan"]).is_dir()
    assert by_hand.stderr.startswith("error: stage train_gan-dcgan: ")
    assert len(by_hand.stderr.splitlines()) == 1
    assert "is busy" in by_dvc and "Traceback" not in by_dvc
