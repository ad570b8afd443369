"""Stages that are killed, or run twice at once: the same bytes, and no finished slide is computed again."""

import random
import signal
import time
from pathlib import Path

import pytest
from factories.slide_cohort import contents, draw, entries, exit_code, extract, index, start, write_cohort

SLIDES = 10
OUTPUTS = {"index": ("index",), "extract": ("patches", "patches_by_slide.parquet")}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    write_cohort(folder, SLIDES)
    return folder


@pytest.fixture(scope="module")
def straight(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs of undisturbed runs."""
    folder = tmp_path_factory.mktemp("straight")
    index(root, folder, folder / "work")
    draw(root, folder)
    extract(root, folder, folder / "work")
    return folder


def _outputs(folder: Path, verb: str) -> dict[str, bytes]:
    prefixes = OUTPUTS[verb]
    return {name: content for name, content in contents(folder).items() if name.startswith(prefixes)}


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


def _kill_and_resume(root: Path, straight: Path, tmp_path: Path, moments: int) -> None:
    chance, interrupted = random.Random(4), 0
    for moment in range(moments):
        for verb in OUTPUTS:
            out = tmp_path / f"{verb}{moment}"
            folders = (root, out, out / "work")
            out.mkdir()
            (out / "samples.parquet").write_bytes((straight / "samples.parquet").read_bytes())
            interrupted += _kill_at_random(verb, folders, chance)
            before = entries(out / "work", verb)
            assert exit_code(start(verb, *folders)) == 0
            after = entries(out / "work", verb)
            assert {slide: after[slide] for slide in before} == before, "finished slides were done again"
            assert _outputs(out, verb) == _outputs(straight, verb)
            assert not list(out.rglob(".*"))
    assert interrupted > moments, "hardly any run was killed while it worked"


def test_killed_stage_resumes_with_the_same_bytes(root: Path, straight: Path, tmp_path: Path) -> None:
    _kill_and_resume(root, straight, tmp_path, 3)


@pytest.mark.pipeline
def test_stage_killed_twenty_times_resumes(root: Path, straight: Path, tmp_path: Path) -> None:
    _kill_and_resume(root, straight, tmp_path, 20)


@pytest.mark.parametrize("verb", OUTPUTS)
def test_two_processes_share_one_cache(verb: str, root: Path, straight: Path, tmp_path: Path) -> None:
    processes = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "samples.parquet").write_bytes((straight / "samples.parquet").read_bytes())
        processes.append(start(verb, root, tmp_path / name, tmp_path / "work", keep="all"))
    assert [exit_code(process) for process in processes] == [0, 0]
    for name in ("a", "b"):
        assert _outputs(tmp_path / name, verb) == _outputs(straight, verb)
    assert entries(tmp_path / "work", verb).keys() == entries(straight / "work", verb).keys()
