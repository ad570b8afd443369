"""A full disk: one line of error, finished slides are kept, and the run continues once there is space."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories.patch_sets import content
from factories.slide_cohort import entries, exit_code, start

_DISK_BYTES = 24 << 20
_BLOCK = 4096
# Bytes of additional space at each attempt.
_STEPS = {"index": 900 << 10, "extract": 48 << 10}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "none", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no program mount")
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted, root may: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _leave(disk: Path, free: int) -> None:
    """Fill the disk except for some bytes."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    there = os.statvfs(disk)
    os.close(os.open(ballast, os.O_CREAT))
    with ballast.open("r+b") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(_BLOCK, there.f_bavail * there.f_frsize - free))


def test_full_disk_stops_the_stage_and_loses_nothing(disk: Path, tmp_path: Path, finished: Path) -> None:
    root, out, work = finished / "slides", disk / "out", disk / "work"
    failures = dict.fromkeys(_STEPS, 0)
    log = tmp_path / "log"
    for verb, step in _STEPS.items():
        for free in range(step // 4, _DISK_BYTES, step):
            _leave(disk, free)
            before = entries(work, verb)
            code = exit_code(start(verb, root, out, work, log))
            after = entries(work, verb)
            assert {slide: after[slide] for slide in before} == before, "finished slides were lost"
            if code == 0:
                break
            failures[verb] += 1
            errors = [line for line in log.read_text().splitlines() if "error" in line]
            assert code == 1 and all("the disk is full" in line for line in errors), errors
            assert "Traceback" not in log.read_text()
            assert not list(out.rglob("*.partial")), "half-written outputs were left"
        assert code == 0
        if verb == "index":
            _leave(disk, 4 << 20)
            shutil.copy(finished / "out" / "samples.parquet", out)
    assert min(failures.values()) >= 2, failures
    (disk / "ballast").unlink()
    assert content(out) == content(finished / "out")
