"""All slides in one go: done once, kept, failed, tidied up; one bar."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import filelock
import pytest
from little_cohort import slide_work
from toy_tasks import DONE, toy_task

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.jobs.job import Outcome, SlideTask
from pathgen.jobs.runner import Shelf, open_shelf, problems_of, prune, run_tasks


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    DONE.clear()
    with open_shelf("toy", slide_work(tmp_path / "work")) as shelf:
        yield shelf


def _run(shelf: Shelf, tasks: list[SlideTask]) -> list[Outcome]:
    DONE.clear()
    return run_tasks(shelf, tasks, "patches", "toys")


def test_what_is_finished_is_not_done_again(shelf: Shelf) -> None:
    tasks = [toy_task(shelf, slide) for slide in ("c", "a", "bb")]
    first = _run(shelf, tasks)
    assert [outcome.slide for outcome in first] == ["c", "a", "bb"]
    assert [outcome.facts for outcome in first] == [{"letters": 1.0}, {"letters": 1.0}, {"letters": 2.0}]
    assert sorted(DONE) == ["a", "bb", "c"]
    assert _run(shelf, tasks) == first and DONE == []
    assert _run(shelf, [*tasks, toy_task(shelf, "dd")])[-1].facts == {"letters": 2.0}
    assert DONE == ["dd"]
    assert (tasks[2].place / "name.txt").read_text() == "bb"


def test_changed_parameters_and_damaged_files_are_done_again(shelf: Shelf) -> None:
    tasks = [toy_task(shelf, slide) for slide in ("a", "b")]
    _run(shelf, tasks)
    _run(shelf, [toy_task(shelf, "a", parameters="other"), tasks[1]])
    assert DONE == ["a"]
    (tasks[1].place / "name.txt").write_text("x")
    _run(shelf, tasks)
    assert DONE == ["b"] and (tasks[1].place / "name.txt").read_text() == "b"


def test_a_bad_slide_leaves_the_others_alone_and_is_tried_again(shelf: Shelf) -> None:
    tasks = [toy_task(shelf, "a"), toy_task(shelf, "b", fails="bad"), toy_task(shelf, "c")]
    for again in (["a", "b", "c"], ["b"]):
        outcomes = _run(shelf, tasks)
        assert sorted(DONE) == again
        assert [str(problem) for problem in problems_of(outcomes)] == [
            "b.tif: its tile 7 cannot be decoded. Copy it again."
        ]
        assert [outcome.problem is None for outcome in outcomes] == [True, False, True]
    record = json.loads((tasks[1].place / "record.json").read_text())
    assert record["reason"].startswith("b.tif: its tile 7") and record["files"] == {}
    assert _run(shelf, [tasks[0], toy_task(shelf, "b"), tasks[2]])[1].problem is None
    assert DONE == ["b"]


def test_several_problems_of_one_slide_are_all_said() -> None:
    problems = PathgenErrors([PathgenError("a", "x", "y"), PathgenError("b", "x", "y")])
    assert problems_of([Outcome("s", {}, problems)]) == problems.errors


def test_a_full_disk_stops_the_work_and_keeps_what_is_finished(shelf: Shelf) -> None:
    tasks = [toy_task(shelf, "a"), toy_task(shelf, "b", fails="ENOSPC")]
    with pytest.raises(OSError, match="what the system says"):
        _run(shelf, tasks)
    assert [path.name for path in shelf.of_slide("b").iterdir()] == []
    _run(shelf, [tasks[0], toy_task(shelf, "b")])
    assert DONE == ["b"]


def test_a_broken_disk_stops_the_work_and_names_the_slide(shelf: Shelf) -> None:
    with pytest.raises(PathgenError, match=r"^slide b: input or output failed on .*/name\.txt"):
        _run(shelf, [toy_task(shelf, "b", fails="EIO")])


def test_what_nobody_needs_any_more_is_removed_at_the_end(shelf: Shelf) -> None:
    _run(shelf, [toy_task(shelf, slide) for slide in ("a", "b")])
    now = [toy_task(shelf, "a", parameters="new")]
    _run(shelf, now)
    left = shelf.of_slide("a") / ".half.partial"
    left.mkdir()
    prune(shelf, now)
    assert [path for path in shelf.folder.iterdir() if path.is_dir() and path.name != ".users"] == [
        shelf.of_slide("a")
    ]
    assert list(shelf.of_slide("a").iterdir()) == [now[0].place]


def test_a_shared_folder_keeps_what_others_need(shelf: Shelf) -> None:
    shared = Shelf(shelf.folder, shelf.settings.model_copy(update={"keep": "all"}))
    _run(shared, [toy_task(shared, slide) for slide in ("a", "b")])
    now = [toy_task(shared, "a", parameters="new")]
    _run(shared, now)
    (shared.of_slide("a") / ".half.partial").mkdir()
    prune(shared, now)
    left = {path.parts[-3] for path in shared.folder.glob("*/*/record.json")}
    assert left == {"a", "b"} and len(list(shared.of_slide("a").iterdir())) == 2


def test_nothing_is_removed_while_another_process_uses_the_shelf(shelf: Shelf) -> None:
    _run(shelf, [toy_task(shelf, "a")])
    other = (
        "import sys; sys.path[:0] = sys.argv[1:2]\n"
        "from little_cohort import slide_work\n"
        "from pathlib import Path\n"
        "from pathgen.jobs.runner import open_shelf\n"
        "with open_shelf('toy', slide_work(Path(sys.argv[2]))):\n"
        "    print('here', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other, str(Path(__file__).parent), str(shelf.folder.parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        prune(shelf, [])
        assert shelf.of_slide("a").exists()
        process.kill()
    prune(shelf, [])
    assert not shelf.of_slide("a").exists()
    assert len(list((shelf.folder / ".users").iterdir())) == 1


def test_a_user_who_left_is_forgotten(shelf: Shelf) -> None:
    (shelf.folder / ".users" / "old.lock").touch()
    prune(shelf, [])
    assert [path.suffix for path in (shelf.folder / ".users").iterdir()] == [".lock"]
    with pytest.raises(filelock.Timeout):
        filelock.FileLock(next((shelf.folder / ".users").iterdir())).acquire(timeout=0)


def test_the_bar_tells_units_and_slides(shelf: Shelf, capfd: pytest.CaptureFixture[str]) -> None:
    _run(shelf, [toy_task(shelf, "a")])
    capfd.readouterr()
    _run(shelf, [toy_task(shelf, "a"), toy_task(shelf, "b"), toy_task(shelf, "c", fails="bad")])
    lines = capfd.readouterr().err.splitlines()
    assert "10/30" in lines[0]
    assert lines[-1].startswith("toys: 100%") and "30/30" in lines[-1] and "patches/s" in lines[-1]
    assert "slides=2/3, failed=1" in lines[-1]


def test_other_code_than_the_tasks_is_refused(shelf: Shelf) -> None:
    with pytest.raises(PathgenError, match="runs other code or other libraries"):
        _run(shelf, [toy_task(shelf, "a", code="f" * 64)])
    assert DONE == [] and sorted(path.name for path in shelf.folder.iterdir()) == [".lock", ".users"]


def test_a_share_that_is_not_there_is_no_fault_of_the_slide(shelf: Shelf, tmp_path: Path) -> None:
    away = replace(toy_task(shelf, "a"), needs=(tmp_path / "share",))
    with pytest.raises(PathgenError, match=r"does not see .*share"):
        run_tasks(shelf, [away], "letters", "spell")
    (tmp_path / "share").mkdir()
    lost = replace(away, work=_LosesTheShare(tmp_path / "share"))
    with pytest.raises(PathgenError, match=r"does not see .*share"):
        run_tasks(shelf, [lost], "letters", "spell")
    assert not list(shelf.folder.glob("a/[!.]*"))


@dataclass(frozen=True)
class _LosesTheShare:
    share: Path

    def __call__(self, folder: Path) -> dict[str, float]:
        self.share.rmdir()
        raise PathgenError(self.share / "a.tif", "no such file", "Copy it again")
