"""Killed at any moment, or in two processes at once: the same bytes, and nothing finished is done again."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from little_cohort import Forks, contents, draw, extract, forks, index, records, write_cohort

SLIDES = 10
OUTPUTS = {"index": ("index",), "extract": ("patches", "patches_by_slide.parquet")}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    write_cohort(folder, SLIDES)
    return folder


@pytest.fixture(scope="module")
def straight(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs of runs that nobody disturbed."""
    folder = tmp_path_factory.mktemp("straight")
    index(root, folder, folder / "work")
    draw(root, folder)
    extract(root, folder, folder / "work")
    return folder


@pytest.fixture(scope="module")
def forked() -> Iterator[Forks]:
    with forks() as forked:
        yield forked


def _outputs(folder: Path, verb: str) -> dict[str, bytes]:
    prefixes = OUTPUTS[verb]
    return {name: content for name, content in contents(folder).items() if name.startswith(prefixes)}


def _kill_at_random(
    forked: Forks, verb: str, folders: tuple[Path, Path, Path], chance: random.Random
) -> bool:
    """Begin and kill at a random number of finished slides, or later; tell whether it was still at work."""
    work = folders[2]
    done, delay = chance.randrange(SLIDES + 1), chance.random() * 0.05
    process = forked.start(verb, *folders)
    until = time.monotonic() + 30
    while len(records(work, verb)) < done and time.monotonic() < until and _alive(process):
        time.sleep(0.001)
    time.sleep(delay)
    if _alive(process):
        os.kill(process, signal.SIGKILL)
    return forked.ended() == -signal.SIGKILL


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _try(forked: Forks, root: Path, straight: Path, tmp_path: Path, moments: int) -> None:
    chance, interrupted = random.Random(4), 0
    for moment in range(moments):
        for verb in OUTPUTS:
            out = tmp_path / f"{verb}{moment}"
            folders = (root, out, out / "work")
            out.mkdir()
            (out / "samples.parquet").write_bytes((straight / "samples.parquet").read_bytes())
            interrupted += _kill_at_random(forked, verb, folders, chance)
            before = records(out / "work", verb)
            forked.start(verb, *folders)
            assert forked.ended() == 0
            after = records(out / "work", verb)
            assert {slide: after[slide] for slide in before} == before, "finished slides were done again"
            assert _outputs(out, verb) == _outputs(straight, verb)
            assert not [path for path in out.rglob(".*") if path.name not in (".users", ".lock")]
    assert interrupted > moments, "hardly any run was killed while it worked"


def test_killed_at_a_few_random_moments(forked: Forks, root: Path, straight: Path, tmp_path: Path) -> None:
    _try(forked, root, straight, tmp_path, 3)


@pytest.mark.pipeline
def test_killed_at_twenty_random_moments(forked: Forks, root: Path, straight: Path, tmp_path: Path) -> None:
    _try(forked, root, straight, tmp_path, 20)


@pytest.mark.parametrize("verb", OUTPUTS)
def test_two_processes_at_once(verb: str, root: Path, straight: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    with forks() as one, forks() as other:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "samples.parquet").write_bytes((straight / "samples.parquet").read_bytes())
        one.start(verb, root, tmp_path / "a", work)
        other.start(verb, root, tmp_path / "b", work)
        assert one.ended() == other.ended() == 0
    for name in ("a", "b"):
        assert _outputs(tmp_path / name, verb) == _outputs(straight, verb)
    assert len(records(work, verb)) == len(records(straight / "work", verb))
