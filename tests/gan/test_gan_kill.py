"""Killed at any moments, a training goes on to the same bytes as one left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from factories import killable_gan
from factories.waiting import wait_until


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def killed_and_straight(folder: Path, name: str, kills: int) -> None:
    """Train twice, once killed so many times, and compare all files."""
    training = (killable_gan.SHORT | killable_gan.LONG)[name]
    snapshot = folder / "work" / "snapshot.safetensors"
    with subprocess.Popen(
        [sys.executable, str(killable_gan.__file__), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None

        def start(names: str) -> int:
            assert parent.stdin is not None
            assert parent.stdout is not None
            parent.stdin.write(f"{name} {names}\n")
            parent.stdin.flush()
            return int(parent.stdout.readline())

        start("straight-work straight")
        began = time.monotonic()
        assert parent.stdout.readline() == "0\n"
        interval = (time.monotonic() - began) * training.snapshot_kimg / training.kimg
        for _ in range(kills):
            before = stamp(snapshot)
            child = start("work killed")
            wait_until(lambda: stamp(snapshot) != before)  # noqa: B023 - called at once
            time.sleep(random.random() * interval)
            os.killpg(child, signal.SIGKILL)
            assert parent.stdout.readline() == f"{-signal.SIGKILL}\n"
        assert not (folder / "killed").exists()
        start("work killed")
        assert parent.stdout.readline() == "0\n"
        parent.stdin.close()
    assert contents(folder / "killed") == contents(folder / "straight")
    assert len(contents(folder / "killed")) == 15


@pytest.mark.parametrize("name", killable_gan.SHORT)
def test_training_killed_at_random_and_resumed_gives_same_bytes(tmp_path: Path, name: str) -> None:
    killed_and_straight(tmp_path, name, kills=2)


@pytest.mark.long
@pytest.mark.parametrize("name", killable_gan.LONG)
def test_training_killed_ten_times_and_resumed_gives_same_bytes(tmp_path: Path, name: str) -> None:
    killed_and_straight(tmp_path, name, kills=10)
