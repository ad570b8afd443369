"""Slides on the workers of a Dask scheduler: separate processes, one of which is killed."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import distributed
import pytest
from little_cohort import contents, draw, extract, index, records, write_cohort

from pathgen.core.errors import PathgenError
from pathgen.jobs import dask_executor


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a scheduler with two workers, each a process of its own."""
    # Its web page on any free port: tests side by side would all want the usual one.
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as local:
        yield local.scheduler_address


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    write_cohort(folder, 10)
    return folder


@pytest.fixture(scope="module")
def straight(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Outputs of one process."""
    folder = tmp_path_factory.mktemp("straight")
    index(root, folder, folder / "work")
    draw(root, folder)
    extract(root, folder, folder / "work")
    return folder


def _outputs(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if not name.startswith("work")}


def _kill_a_worker(address: str, work: Path, killed: list[int]) -> None:
    with distributed.Client(address, set_as_default=False) as client:
        (worker, *_), pids = (client.run(os.getpid) for _ in range(2))
        until = time.monotonic() + 60
        while len(records(work, "index")) < 2 and time.monotonic() < until:
            time.sleep(0.001)
        os.kill(pids[worker], signal.SIGKILL)
        killed.append(len(records(work, "index")))


def test_same_bytes_as_one_process_also_when_a_worker_is_killed(
    address: str, root: Path, straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    killing = threading.Thread(target=_kill_a_worker, args=(address, tmp_path / "work", killed))
    killing.start()
    index(root, tmp_path, tmp_path / "work", scheduler=address)
    killing.join()
    assert 2 <= killed[0] < 10, "the worker was killed when all was done"
    draw(root, tmp_path)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    extract(root, tmp_path, tmp_path / "work")
    assert _outputs(tmp_path) == _outputs(straight)


def test_the_work_is_done_by_the_workers(
    address: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pathgen.sources.index_task.write_table", None)
    index(root, tmp_path, tmp_path / "work", scheduler=address)
    assert len(records(tmp_path / "work", "index")) == 10


def test_a_bad_slide_is_named_as_on_one_machine(address: str, tmp_path: Path) -> None:
    write_cohort(tmp_path / "slides", 4)
    (tmp_path / "slides/s001.xml").write_text(
        (tmp_path / "slides/s001.xml").read_text().replace("Tumor", "X")
    )
    said = []
    for scheduler in (None, address):
        with pytest.raises(PathgenError, match=r"s001\.xml") as refusal:
            index(tmp_path / "slides", tmp_path, tmp_path / f"work{scheduler is None}", scheduler=scheduler)
        said.append(str(refusal.value))
    assert said[0] == said[1]


def test_a_worker_that_sees_other_files_is_named(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "touch", lambda _: None)
    with pytest.raises(PathgenError, match=rf"{socket.gethostname()} does not see {tmp_path}"):
        with dask_executor.workers_of(address, tmp_path):
            pass


def test_a_worker_with_other_code_is_refused(
    address: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pathgen.sources.cache_key.code_digest", lambda *_: "f" * 64)
    with pytest.raises(PathgenError, match=r"worker on .*: runs other code"):
        index(root, tmp_path, tmp_path / "work", scheduler=address)
    assert records(tmp_path / "work", "index") == {}


def test_an_address_where_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_executor, "_CONNECT_S", 0.5)
    with pytest.raises(PathgenError, match=r"Dask scheduler tcp://127\.0\.0\.1:9: does not answer"):
        with dask_executor.workers_of("tcp://127.0.0.1:9", tmp_path):
            pass
    with pytest.raises(PathgenError, match="Dask scheduler nonsense:: does not answer"):
        with dask_executor.workers_of("nonsense:", tmp_path):
            pass


def test_a_scheduler_that_goes_away(address: str, tmp_path: Path) -> None:
    with pytest.raises(PathgenError, match=r"the connection to it was lost.*finished slides are kept"):
        with dask_executor.workers_of(address, tmp_path) as executor:
            waiting = executor.submit(time.sleep, 60)
            waiting.cancel()
            waiting.result()


def test_without_dask_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PathgenError, match=r"pip install \"pathgen\[scale\]\""):
        with dask_executor.workers_of("tcp://127.0.0.1:9", tmp_path):
            pass
