"""A made-up cohort and its page, made once."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from made_up_cohort import survey, write_data

from pathgen.survey.survey import Surveyed


@dataclass(frozen=True)
class Made:
    data: Path
    out: Path
    found: Surveyed


@pytest.fixture(scope="session")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The tables, the page's folder and what was found; do not change them."""
    root = tmp_path_factory.mktemp("surveyed")
    data = write_data(root / "data")
    return Made(data, root / "cohort", survey(data, root / "cohort"))
