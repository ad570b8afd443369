"""Good slides, and everything that comes of them, made once."""

from pathlib import Path

import pytest
from factories.slide_cohort import SLIDES, draw, extract, index, write_cohort


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders ``slides``, ``out`` and ``work`` of undisturbed runs; do not change them."""
    folder = tmp_path_factory.mktemp("finished")
    write_cohort(folder / "slides", SLIDES)
    index(folder / "slides", folder / "out", folder / "work")
    draw(folder / "slides", folder / "out")
    extract(folder / "slides", folder / "out", folder / "work")
    return folder
