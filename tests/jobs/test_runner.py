"""The job runner: finished jobs are loaded, failed jobs leave the others alone, and killed runs continue."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from factories.slide_files import job_settings
from factories.toy_jobs import ran, toy_job, toy_key
from factories.waiting import wait_until

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.jobs.job import Job
from pathgen.jobs.result_cache import JobResult, ResultCache
from pathgen.jobs.runner import open_executor, prune, run_jobs


@pytest.fixture
def cache(tmp_path: Path) -> ResultCache:
    return ResultCache(tmp_path / "cache")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "ran"


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def _run(cache: ResultCache, jobs: list[Job], executor: Executor) -> list[JobResult]:
    return run_jobs(jobs, cache, executor, unit="patches", desc="toys")


def test_run_jobs_finished_jobs_are_loaded(cache: ResultCache, log: Path, executor: Executor) -> None:
    jobs = [toy_job(name, log) for name in ("c", "a", "bb")]
    first = _run(cache, jobs, executor)
    assert [(result.name, result.values["letters"]) for result in first] == [("c", 1), ("a", 1), ("bb", 2)]
    assert (first[2].folder / "name.txt").read_text() == "bb"
    assert ran(log) == ["a", "bb", "c"]
    assert _run(cache, [*jobs, toy_job("dd", log)], executor)[:3] == first
    assert ran(log) == ["dd"]


def test_run_jobs_failed_job_is_tried_again(cache: ResultCache, log: Path, executor: Executor) -> None:
    jobs = [toy_job("a", log), toy_job("b", log, fails="bad"), toy_job("c", log)]
    for again in (["a", "b", "c"], ["b"]):
        results = _run(cache, jobs, executor)
        assert ran(log) == again
        assert [[error.subject for error in result.errors] for result in results] == [[], ["b.tif"], []]
    assert _run(cache, [jobs[0], toy_job("b", log), jobs[2]], executor)[1].problem is None
    assert ran(log) == ["b"]


def test_job_result_lists_all_errors() -> None:
    problems = PathgenErrors([PathgenError("a", "x", "y"), PathgenError("b", "x", "y")])
    assert JobResult("s", toy_key(), Path(), {}, problems).errors == problems.errors


def test_run_jobs_full_disk_keeps_finished_jobs(cache: ResultCache, log: Path, executor: Executor) -> None:
    _run(cache, [toy_job("a", log)], executor)
    with pytest.raises(PathgenError, match="the disk is full") as problem:
        _run(cache, [toy_job("a", log), toy_job("b", log, fails="ENOSPC")], executor)
    assert problem.value.subject == str(cache.folder)
    assert list((cache.folder / "b").iterdir()) == []
    ran(log)
    _run(cache, [toy_job("a", log), toy_job("b", log)], executor)
    assert ran(log) == ["b"]


def test_run_jobs_broken_disk_stops_the_run(cache: ResultCache, log: Path, executor: Executor) -> None:
    with pytest.raises(PathgenError, match=r"input or output failed on .*/name\.txt") as problem:
        _run(cache, [toy_job("b", log, fails="EIO")], executor)
    assert problem.value.subject == "b"


@pytest.mark.parametrize(("keep", "left"), [("present", ["a"]), ("all", ["a", "a", "b"])])
def test_prune_removes_only_what_the_settings_allow(
    keep: str, left: list[str], cache: ResultCache, log: Path, executor: Executor
) -> None:
    _run(cache, [toy_job("a", log), toy_job("b", log)], executor)
    jobs = [toy_job("a", log, seed=2)]
    _run(cache, jobs, executor)
    prune(jobs, cache, job_settings(cache.folder, keep=keep))
    assert sorted(path.parent.name for path in cache.folder.glob("*/*")) == left


def test_run_jobs_bar_shows_units_and_jobs(
    cache: ResultCache, log: Path, executor: Executor, capfd: pytest.CaptureFixture[str]
) -> None:
    _run(cache, [toy_job("a", log)], executor)
    capfd.readouterr()
    _run(cache, [toy_job("a", log), toy_job("b", log), toy_job("c", log, fails="bad")], executor)
    lines = capfd.readouterr().err.splitlines()
    assert "10/30" in lines[0]
    assert lines[-1].startswith("toys: 100%") and "30/30" in lines[-1] and "patches/s" in lines[-1]
    assert "jobs=2/3, failed=1" in lines[-1]


def test_run_jobs_other_code_than_the_key_is_refused(
    cache: ResultCache, log: Path, executor: Executor
) -> None:
    with pytest.raises(PathgenError, match=r"another version of pathgen/core/labels\.py"):
        _run(cache, [replace(toy_job("a", log), key=toy_key(code="f" * 64))], executor)
    assert ran(log) == [] and list(cache.folder.iterdir()) == []


@dataclass(frozen=True)
class _LosesTheShare:
    share: Path

    def __call__(self, folder: Path) -> dict[str, float]:
        self.share.rmdir()
        raise PathgenError(self.share / "a.tif", "no such file", "Copy it again")


def test_run_jobs_missing_share_is_not_the_jobs_fault(
    cache: ResultCache, log: Path, executor: Executor, tmp_path: Path
) -> None:
    share = tmp_path / "share"
    job = replace(toy_job("a", log), needs=(share,))
    with pytest.raises(PathgenError, match=r"does not see .*share"):
        _run(cache, [job], executor)
    share.mkdir()
    with pytest.raises(PathgenError, match=r"does not see .*share"):
        _run(cache, [replace(job, work=_LosesTheShare(share))], executor)
    assert not list(cache.folder.glob("a/[!.]*"))


@dataclass(frozen=True)
class _KillsItsProcess:
    def __call__(self, folder: Path) -> dict[str, float]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}


def test_open_executor_killed_worker_is_explained(cache: ResultCache, log: Path) -> None:
    job = replace(toy_job("a", log), work=_KillsItsProcess())
    with pytest.raises(PathgenError, match="was killed"):
        with open_executor(job_settings(cache.folder), cache.folder, processes=True) as executor:
            _run(cache, [job], executor)


@dataclass(frozen=True)
class _Sleeps:
    pid_file: Path

    def __call__(self, folder: Path) -> dict[str, float]:
        self.pid_file.write_text(str(os.getpid()))
        time.sleep(60)
        return {}


_MAIN = """
import sys
from dataclasses import replace
from pathlib import Path
from factories.slide_files import job_settings
from factories.toy_jobs import toy_job
from pathgen.jobs.result_cache import JobResult, ResultCache
from pathgen.jobs.runner import open_executor, run_jobs
from test_runner import _Sleeps
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    job = replace(toy_job("a", folder / "ran"), work=_Sleeps(folder / "pid"))
    with open_executor(job_settings(folder), folder, processes=True) as executor:
        run_jobs([job], ResultCache(folder / "cache"), executor, unit="jobs", desc="sleep")
"""


def _ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_worker_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text(_MAIN)
    tests = Path(__file__).resolve().parents[1]
    path = os.pathsep.join([str(tests), str(tests / "jobs"), str(tests.parent)])
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
    ) as process:
        pid_file = tmp_path / "pid"
        wait_until(lambda: pid_file.exists() and pid_file.read_text())
        process.kill()
    worker = int(pid_file.read_text())
    wait_until(lambda: _ended(worker))
