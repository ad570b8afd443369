"""One finished tiny study for all tests of the pipeline, and copies of it to change."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from factories.tiny_study import Study, copy_of_checkout


@dataclass(frozen=True)
class Finished:
    """The finished study.

    Attributes:
        study: The study.
        output: Output of its ``dvc repro``.
    """

    study: Study
    output: str


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The tiny study after one ``dvc repro``; tests must not change it."""
    study = copy_of_checkout(tmp_path_factory.mktemp("finished") / "study")
    return Finished(study, study.repro())


@pytest.fixture
def copy(finished: Finished, tmp_path: Path) -> Study:
    """A copy of the finished study, with DVC's cache, for a test to change."""
    return finished.study.copy_to(tmp_path / "study")
