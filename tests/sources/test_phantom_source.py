"""The phantom as a source: Camelyon16's code finds, indexes and reads it."""

import logging
from pathlib import Path

import pytest
from factories.slide_files import annotation_settings, source_settings

from pathgen.core.errors import PathgenError
from pathgen.core.profiles import read_profile
from pathgen.sources import camelyon16
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source


def _settings(**changes: int) -> CohortSettings:
    slides = dict.fromkeys(("normal_slides", "tumor_slides", "test_normal_slides", "test_tumor_slides"), 0)
    small = {"width_px": 512, "height_px": 512, "levels": 2, "tile_px": 128, "workers": 1}
    plain = read_profile("phantom")["cohort"]["phantom"]
    return source_settings("phantom", phantom={**plain, **slides, **small, **changes})


def test_phantom_source_is_read_as_camelyon16(tmp_path: Path) -> None:
    source = load_source("phantom")
    assert source.read_patches is camelyon16.SOURCE.read_patches
    assert source.find_candidates is camelyon16.SOURCE.find_candidates
    settings = _settings(tumor_slides=1, test_tumor_slides=1)
    cohort = source.find_cohort(tmp_path / "phantom", settings, annotation_settings())
    assert cohort["slide"].tolist() == ["test_001", "tumor_001"]
    assert cohort["source"].unique().tolist() == ["phantom"]
    assert cohort["label"].tolist() == ["tumor", "tumor"]
    assert cohort["exhaustive"].all() and cohort["skipped"].isna().all()


def test_phantom_source_replaces_older_slides(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "phantom"
    (root / "training/tumor").mkdir(parents=True)
    (root / "training/tumor/tumor_099.tif").write_bytes(b"old")
    with caplog.at_level(logging.INFO):
        settings = _settings(test_normal_slides=1)
        cohort = load_source("phantom").find_cohort(root, settings, annotation_settings())
    assert cohort["slide"].tolist() == ["test_001"] and "1 phantom slides" in caplog.text
    assert list(tmp_path.iterdir()) == [root]


def test_phantom_source_without_slides_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PathgenError, match="contains no slides"):
        load_source("phantom").find_cohort(tmp_path / "phantom", _settings(), annotation_settings())
