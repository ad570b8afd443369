"""Stages that are killed, or run twice at once: the same bytes, and no finished slide is computed again."""

import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from factories.patch_sets import content
from factories.slide_cohort import (
    SLIDES,
    entries,
    exit_code,
    start,
)

OUTPUTS = {"index": ("index",), "extract": ("patches", "patches_by_slide.parquet")}


def _outputs(folder: Path, verb: str) -> dict[str, bytes]:
    prefixes = OUTPUTS[verb]
    return {name: data for name, data in content(folder).items() if name.startswith(prefixes)}


def _kill_at_random(verb: str, folders: tuple[Path, Path, Path], chance: random.Random) -> bool:
    """Kill a run after a random number of slides; return whether it was still at work."""
    slides, delay = chance.randrange(SLIDES + 1), chance.random() * 0.05
    process = start(verb, *folders)
    deadline = time.monotonic() + 30
    while len(entries(folders[2], verb)) < slides and time.monotonic() < deadline and process.is_alive():
        time.sleep(0.001)
    time.sleep(delay)
    process.kill()
    return exit_code(process) == -signal.SIGKILL


def _folders(finished: Path, folder: Path) -> tuple[Path, Path, Path]:
    """Return slides, outputs and cache of a run that has the sample and nothing else."""
    (folder / "out").mkdir(parents=True)
    shutil.copy(finished / "out" / "samples.parquet", folder / "out")
    return finished / "slides", folder / "out", folder / "work"


@pytest.mark.parametrize("moments", [2, pytest.param(20, marks=pytest.mark.pipeline)])
def test_killed_stage_resumes_with_the_same_bytes(finished: Path, tmp_path: Path, moments: int) -> None:
    chance, interrupted = random.Random(4), 0
    for moment in range(moments):
        for verb in OUTPUTS:
            _, out, work = folders = _folders(finished, tmp_path / f"{verb}{moment}")
            interrupted += _kill_at_random(verb, folders, chance)
            before = entries(work, verb)
            assert exit_code(start(verb, *folders)) == 0
            after = entries(work, verb)
            assert {slide: after[slide] for slide in before} == before, "finished slides were done again"
            assert _outputs(out, verb) == _outputs(finished / "out", verb)
            assert not list(out.rglob(".*")) and not list(work.rglob(".*"))
    assert interrupted > moments, "hardly any run was killed while it worked"


@pytest.mark.parametrize("verb", OUTPUTS)
def test_two_processes_share_one_cache(verb: str, finished: Path, tmp_path: Path) -> None:
    runs = [_folders(finished, tmp_path / name) for name in ("a", "b")]
    processes = [start(verb, root, out, tmp_path / "work", keep="all") for root, out, _ in runs]
    assert [exit_code(process) for process in processes] == [0, 0]
    for _, out, _ in runs:
        assert _outputs(out, verb) == _outputs(finished / "out", verb)
    assert entries(tmp_path / "work", verb).keys() == entries(finished / "work", verb).keys()
