"""One finished tiny study for all tests of the pipeline, and copies of it to change."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from factories.tiny_study import Study, copy_of_checkout


@dataclass(frozen=True)
class Finished:
    """The finished study; `said` and `seconds` are those of its ``dvc repro``.

    `forced` is a copy in which all stages run again, from the study's end on and beside the other tests:
    most of a stage is the loading of its libraries, on one core.
    """

    study: Study
    said: str
    seconds: float
    forced: tuple[Study, subprocess.Popen[bytes], Path]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """The tiny study after one ``dvc repro``; tests must leave it as it is."""
    folder = tmp_path_factory.mktemp("finished")
    study = copy_of_checkout(folder / "study")
    begun = time.monotonic()
    said = study.repro()
    seconds = time.monotonic() - begun
    elsewhere, log = study.copy_to(folder / "elsewhere"), folder / "forced.log"
    process = elsewhere.start("dvc", "repro", "--force", log=log)
    yield Finished(study, said, seconds, (elsewhere, process, log))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def forced(finished: Finished) -> tuple[Study, subprocess.Popen[bytes], Path]:
    """The copy in which all stages run again, the process, and its output."""
    return finished.forced


@pytest.fixture
def copy(finished: Finished, tmp_path: Path) -> Study:
    """A copy of the finished study, with DVC's cache, to do anything to."""
    return finished.study.copy_to(tmp_path / "study")
