"""A fabricated study, and the report on it, made once."""

from pathlib import Path

import pytest
from fabricated import fabricate

from pathgen.report.hashes import file_hashes
from pathgen.report.page import build_report
from pathgen.report.reading import inputs_under


def report_on(root: Path, out: Path, patient_pictures: bool = True) -> Path:
    inputs = inputs_under(root)
    build_report(
        inputs,
        out,
        title="A <made-up> study",
        confidence=0.95,
        grid_patches=64,
        grid_columns=8,
        overlay_slides=4,
        with_patient_pictures=patient_pictures,
        hashes=file_hashes(inputs),
    )
    return out


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks as after a whole pipeline run; do not change it."""
    return fabricate(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def report(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report's folder."""
    return report_on(study, tmp_path_factory.mktemp("report"))
