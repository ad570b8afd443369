"""Killed at any moments, a training goes on to the same bytes as one left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import killable_gan
from factories.waiting import wait_until


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


@pytest.fixture(scope="module")
def parent() -> Iterator[subprocess.Popen[str]]:
    """Start one process for all trainings: each kill costs a fork, not an import of torch."""
    with subprocess.Popen(
        [sys.executable, str(killable_gan.__file__)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def killed_and_straight(parent: subprocess.Popen[str], folder: Path, name: str, kills: int) -> None:
    """Train twice, once killed so many times, and compare all files."""
    training = (killable_gan.SHORT | killable_gan.LONG)[name]
    snapshot = folder / "work" / "snapshot.pt"

    def answer() -> int:
        assert parent.stdout is not None
        return int(parent.stdout.readline())

    def start(work: str, model: str) -> int:
        assert parent.stdin is not None
        print(name, folder / work, folder / model, file=parent.stdin, flush=True)
        return answer()

    start("straight-work", "straight")
    began = time.monotonic()
    assert answer() == 0
    interval = (time.monotonic() - began) * training.snapshot_kimg / training.kimg
    for _ in range(kills):
        before = stamp(snapshot)
        child = start("work", "killed")
        wait_until(lambda: stamp(snapshot) != before)  # noqa: B023 - called at once
        time.sleep(random.random() * interval)
        os.killpg(child, signal.SIGKILL)
        assert answer() == -signal.SIGKILL
    assert not (folder / "killed").exists()
    start("work", "killed")
    assert answer() == 0
    assert contents(folder / "killed") == contents(folder / "straight")
    assert len(contents(folder / "killed")) == 15


@pytest.mark.parametrize("name", killable_gan.SHORT)
def test_training_killed_at_random_and_resumed_gives_same_bytes(
    parent: subprocess.Popen[str], tmp_path: Path, name: str
) -> None:
    killed_and_straight(parent, tmp_path, name, kills=2)


@pytest.mark.long
@pytest.mark.parametrize("name", killable_gan.LONG)
def test_training_killed_ten_times_and_resumed_gives_same_bytes(
    parent: subprocess.Popen[str], tmp_path: Path, name: str
) -> None:
    killed_and_straight(parent, tmp_path, name, kills=10)
