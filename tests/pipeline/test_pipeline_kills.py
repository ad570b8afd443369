"""Twenty kills at random moments of the whole pipeline: the study ends with the same ``dvc.lock``."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from factories.tiny_study import copy_of_checkout

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

KILLS = 20
LIMIT_S = 300.0


def _started(log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if line.startswith("Running stage")]


def _kill_in(process: subprocess.Popen[bytes], log: Path, stage: int, after_s: float) -> str | None:
    """Kill a ``dvc repro`` and its stages some time after its n-th stage starts; None if it ends before."""
    until = time.monotonic() + LIMIT_S
    while len(_started(log)) < stage and process.poll() is None:
        assert time.monotonic() < until, log.read_text()[-3000:]
        time.sleep(0.02)
    try:
        assert process.wait(after_s) == 0, log.read_text()[-3000:]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return _started(log)[-1]
    return None


def test_pipeline_killed_at_random_moments_ends_with_the_same_lock(tmp_path: Path) -> None:
    expected = copy_of_checkout(tmp_path / "uninterrupted")
    expected.repro()
    study = copy_of_checkout(tmp_path / "killed")
    draw, interrupted = random.Random(2), []
    while len(interrupted) < KILLS:
        log = tmp_path / f"{len(interrupted)}.log"
        process = study.start("dvc", "repro", log=log)
        # At most one stage is completed between two kills, so that they are spread over all stages.
        stage = _kill_in(process, log, draw.choice([1, 2, 2, 2]), draw.uniform(0.0, 6.0))
        if stage is not None:
            interrupted.append(stage)
        else:  # all is done: start again, so that the remaining kills hit stages too
            study.run("rm", "-rf", "dvc.lock", "data", "models", "results", "report", ".dvc/cache", "work")
    study.repro()
    print("\n".join(interrupted))  # shown by pytest -rP
    assert len(set(interrupted)) >= 8, "the kills hit too few stages to mean anything"
    assert study.lock() == expected.lock()
