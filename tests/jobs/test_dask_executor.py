"""Jobs on the workers of a Dask scheduler: separate processes, one of which is killed."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import distributed
import pytest
from factories.patch_sets import content
from factories.slide_cohort import SLIDES, draw, entries, extract, index, write_cohort
from factories.toy_jobs import toy_job, toy_key

from pathgen.core.errors import PathgenError
from pathgen.jobs.dask_executor import dask_executor
from pathgen.jobs.result_cache import ResultCache
from pathgen.jobs.runner import run_jobs


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a scheduler with two workers, each a process of its own."""
    # Its web page on any free port: tests side by side would all want the usual one.
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as local:
        yield local.scheduler_address


def _kill_a_worker(address: str, work: Path, killed: list[int]) -> None:
    with distributed.Client(address, set_as_default=False) as client:
        (worker, *_), pids = (client.run(os.getpid) for _ in range(2))
        until = time.monotonic() + 60
        while len(entries(work, "index")) < 2 and time.monotonic() < until:
            time.sleep(0.001)
        os.kill(pids[worker], signal.SIGKILL)
        killed.append(len(entries(work, "index")))


def test_dask_killed_worker_gives_the_bytes_of_one_process(
    address: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, out, work = finished / "slides", tmp_path / "out", tmp_path / "work"
    killed: list[int] = []
    killing = threading.Thread(target=_kill_a_worker, args=(address, work, killed))
    killing.start()
    index(root, out, work, scheduler=address)
    killing.join()
    assert 2 <= killed[0] < SLIDES, "the worker was killed when all was done"
    draw(root, out)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    extract(root, out, work)
    assert content(out) == content(finished / "out")


def test_dask_workers_do_the_work(
    address: str, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pathgen.sources.index.save_png", None)  # in this process only
    index(finished / "slides", tmp_path, tmp_path / "work", scheduler=address)
    assert len(entries(tmp_path / "work", "index")) == SLIDES


def test_dask_bad_slide_is_reported_as_on_one_machine(address: str, tmp_path: Path) -> None:
    write_cohort(tmp_path / "slides", 4)
    (tmp_path / "slides/s001.xml").write_text(
        (tmp_path / "slides/s001.xml").read_text().replace("Tumor", "X")
    )
    messages = []
    for scheduler in (None, address):
        with pytest.raises(PathgenError) as refusal:
            index(tmp_path / "slides", tmp_path, tmp_path / f"work{scheduler is None}", scheduler=scheduler)
        messages.append(str(refusal.value))
    assert messages[0] == messages[1]


def test_dask_worker_without_the_folder_is_named(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "touch", lambda _: None)
    with pytest.raises(PathgenError, match=rf"{socket.gethostname()} does not see {tmp_path}"):
        with dask_executor(address, tmp_path):
            pass


def test_dask_worker_with_other_code_is_refused(address: str, tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    job = replace(toy_job("a", tmp_path / "ran"), key=toy_key(code="f" * 64))
    with pytest.raises(PathgenError, match=r"worker on .*: has another version"):
        with dask_executor(address, cache.folder) as executor:
            run_jobs([job], cache, executor, unit="jobs", desc="toys")
    assert cache.entries("a") == []


@pytest.mark.parametrize("nowhere", ["tcp://127.0.0.1:9", "nonsense:"])
def test_dask_address_without_a_scheduler_is_an_error(nowhere: str, tmp_path: Path) -> None:
    with pytest.raises(PathgenError, match="does not answer") as problem:
        with dask_executor(nowhere, tmp_path, timeout_s=0.5):
            pass
    assert problem.value.subject == f"Dask scheduler {nowhere}"


def test_dask_lost_scheduler_is_an_error(address: str, tmp_path: Path) -> None:
    with pytest.raises(PathgenError, match="the connection was lost"):
        with dask_executor(address, tmp_path) as executor:
            waiting = executor.submit(time.sleep, 60)
            waiting.cancel()
            waiting.result()


def test_dask_not_installed_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PathgenError, match=r"pip install -e '\.\[scale\]'"):
        with dask_executor("tcp://127.0.0.1:9", tmp_path):
            pass
