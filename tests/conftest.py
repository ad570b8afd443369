"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

# Tests run side by side, one per core. Read when torch and numpy load.
os.environ["OMP_NUM_THREADS"] = "1"

_CHECKOUT = Path(__file__).resolve().parents[1]


def _real_data_folder() -> Path | None:
    named = os.environ.get("PATHGEN_REAL_DATA")
    folder = Path(named) if named else _CHECKOUT.parent / "shared" / "data"
    return folder if (folder / "pcam").is_dir() else None


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real H&E data, or a skip that says where it was looked for."""
    folder = _real_data_folder()
    if folder is None:
        pytest.skip("no real data: PATHGEN_REAL_DATA is not set to it, and ../shared/data is absent")
    return folder
