"""A made-up cohort and its page, made once."""

import pytest
from factories.cohort import Made, survey, write_data


@pytest.fixture(scope="session")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The tables, the page's folder and what was found; do not change them."""
    root = tmp_path_factory.mktemp("surveyed")
    data = write_data(root / "data")
    return Made(data, root / "cohort", survey(data, root / "cohort"))
