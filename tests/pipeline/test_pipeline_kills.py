"""Twenty kills at random moments of the whole pipeline: the study ends with the same ``dvc.lock``."""

import os
import random
import signal
import subprocess
from pathlib import Path

import pytest
from factories.tiny_study import copy_of_checkout

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

KILLS = 20
LONGEST_S = 12.0  # a stage of the tiny study takes 3 to 10 s, most of it for its libraries


def test_pipeline_killed_at_random_moments_ends_with_the_same_lock(tmp_path: Path) -> None:
    expected = copy_of_checkout(tmp_path / "uninterrupted")
    expected.repro()
    study = copy_of_checkout(tmp_path / "killed")
    draw, killed, interrupted = random.Random(2), 0, set()
    while killed < KILLS:
        log = tmp_path / f"{killed}.log"
        process = study.start("dvc", "repro", log=log)
        try:
            code = process.wait(draw.uniform(2.0, LONGEST_S))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            started = [line for line in log.read_text().splitlines() if line.startswith("Running stage")]
            interrupted |= set(started[-1:])
            killed += 1
            continue
        assert code == 0, log.read_text()[-3000:]
        # All is done: start again, so that the remaining kills hit stages too.
        study.run("rm", "-rf", "dvc.lock", "data", "models", "results", "report", ".dvc/cache", "work")
    study.repro()
    print("\n".join(sorted(interrupted)))  # shown by pytest -rP
    assert len(interrupted) >= 8, "the kills hit too few stages to mean anything"
    assert study.lock() == expected.lock()
