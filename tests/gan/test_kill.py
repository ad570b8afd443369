"""Killed at any moments, a training goes on to the same bytes as one left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import killable
import pytest


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


@pytest.mark.parametrize("generator", killable.RECIPES)
def test_killed_at_any_moments_it_goes_on_to_the_same_bytes(tmp_path: Path, generator: str) -> None:
    command = [sys.executable, str(killable.__file__), str(tmp_path)]
    snapshot = tmp_path / "work" / "snapshot.safetensors"
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None

        def start(names: str) -> int:
            assert parent.stdin is not None
            assert parent.stdout is not None
            parent.stdin.write(f"{generator} {names}\n")
            parent.stdin.flush()
            return int(parent.stdout.readline())

        start("straight-work straight")
        began = time.monotonic()
        assert parent.stdout.readline() == "0\n"
        duration = time.monotonic() - began
        for _ in range(2):
            before = stamp(snapshot)
            child = start("work killed")
            while stamp(snapshot) == before:
                time.sleep(0.001)
            time.sleep(random.random() * duration / 4)
            os.kill(child, signal.SIGKILL)
            assert parent.stdout.readline() == f"{-signal.SIGKILL}\n"
        assert not (tmp_path / "killed").exists()
        start("work killed")
        assert parent.stdout.readline() == "0\n"
        parent.stdin.close()
    assert contents(tmp_path / "killed") == contents(tmp_path / "straight")
    assert len(contents(tmp_path / "killed")) == 14
