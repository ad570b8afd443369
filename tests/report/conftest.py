"""A fabricated study, and the report on it, made once."""

from pathlib import Path

import pytest
from factories.study import fabricate, report_on


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks as after a whole pipeline run; do not change it."""
    return fabricate(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def report(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report's folder."""
    return report_on(study, tmp_path_factory.mktemp("report"))
