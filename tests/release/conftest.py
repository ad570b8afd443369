"""A finished study that may be released."""

import shutil
from pathlib import Path

import pytest
from factories.release import make_study

from pathgen.release.release_inputs import ReleaseInputs, read_inputs


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that may be released; do not change it."""
    return make_study(tmp_path_factory.mktemp("releasable"))


@pytest.fixture(scope="module")
def finished(study: Path) -> ReleaseInputs:
    """Inputs of its release."""
    return read_inputs(study, "dcgan")


@pytest.fixture
def copy(study: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(study, tmp_path / "study"))
