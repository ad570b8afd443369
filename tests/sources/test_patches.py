"""Folders of labelled images."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from factories.slide_files import annotation_settings, source_settings
from PIL import Image

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.resample import shrink

_SOURCE = load_source("patch_folder")
_PATTERN = r"^(?P<slide>.+?)_\d+_\d+$"


def _settings(root: Path, **changes: Any) -> CohortSettings:
    return source_settings("patch_folder", root, patch_folder={"slide_pattern": _PATTERN}, **changes)


def _image(path: Path, seed: int, size: int = 32, mode: str = "RGB") -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed, name in enumerate(
        ("normal/s1_0_0", "normal/s1_10_2", "normal/s2_5_5", "tumor/s1_9_0", "tumor/s1_0_0", "tumor/s10_1_1")
    ):
        _image(tmp_path / f"{name}.png", seed)
    return tmp_path


def _candidates(root: Path, settings: CohortSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    cohort = _SOURCE.find_cohort(root, settings, annotation_settings())
    usable = cohort[cohort["skipped"].isna()].to_dict("records")
    found = [_SOURCE.find_candidates(root, row, settings, None).candidates for row in usable]
    return cohort, pd.concat(found, ignore_index=True)


def test_patch_folder_slides_are_from_names_labels_from_folders(root: Path) -> None:
    cohort, candidates = _candidates(root, _settings(root))
    assert cohort[["slide", "label"]].to_numpy().tolist() == [["s1", "tumor"], ["s10", "tumor"], ["s2", None]]
    assert candidates[["slide", "item", "label", "file"]].to_numpy().tolist() == [
        ["s1", 0, "normal", "normal/s1_0_0.png"],
        ["s1", 1, "tumor", "tumor/s1_0_0.png"],
        ["s1", 2, "normal", "normal/s1_10_2.png"],
        ["s1", 3, "tumor", "tumor/s1_9_0.png"],
        ["s10", 0, "tumor", "tumor/s10_1_1.png"],
        ["s2", 0, "normal", "normal/s2_5_5.png"],
    ]


def test_patch_folder_pixels_are_block_means(root: Path) -> None:
    settings = _settings(root)
    _, candidates = _candidates(root, settings)
    rows = candidates.sample(frac=1, random_state=2)
    images = _SOURCE.read_patches(root, rows, 8, settings, 2).images
    for image, file in zip(images, rows["file"], strict=True):
        np.testing.assert_array_equal(image, shrink(np.asarray(Image.open(root / file)), 8))
    with pytest.raises(PathgenError, match="has 32 px, not a multiple of the 24 px"):
        _SOURCE.read_patches(root, rows, 24, settings, 2)


def test_patch_folder_bad_images_and_names_are_listed(root: Path) -> None:
    whole = (root / "tumor/s1_9_0.png").read_bytes()
    (root / "tumor/s1_9_0.png").write_bytes(whole[:1000])
    (root / "normal/s2_5_5.png").write_bytes(b"")
    _image(root / "normal/s3_1_1.png", 0, mode="L")
    _image(root / "normal/unnamed.png", 0)
    with pytest.raises(PathgenErrors) as failure:
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())
    said = str(failure.value)
    assert "s1_9_0.png: not readable as an image" in said
    assert "s2_5_5.png: is empty" in said
    assert "s3_1_1.png: is L of 32 x 32 px, not a square RGB image" in said
    assert "unnamed.png: its name does not match" in said
    assert len(said.splitlines()) == 4


def test_patch_folder_copies_are_an_error(root: Path) -> None:
    (root / "tumor/s2_7_7.png").write_bytes((root / "normal/s1_0_0.png").read_bytes())
    with pytest.raises(PathgenErrors, match=r"s2_7_7\.png: has the same content as normal/s1_0_0\.png"):
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())


def test_patch_folder_skip_leaves_out_the_slide(root: Path) -> None:
    (root / "normal/s1_0_0.png").write_bytes(b"no image")
    cohort, candidates = _candidates(root, _settings(root, on_bad_slide="skip"))
    assert cohort.set_index("slide")["skipped"].notna().to_dict() == {"s1": True, "s10": False, "s2": False}
    assert set(candidates["slide"]) == {"s10", "s2"}


def test_patch_folder_missing_or_empty_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "normal").mkdir()
    with pytest.raises(PathgenErrors, match="tumor: no such folder"):
        _SOURCE.find_cohort(tmp_path, _settings(tmp_path), annotation_settings())
    (tmp_path / "tumor").mkdir()
    with pytest.raises(PathgenError, match="contains no images"):
        _SOURCE.find_cohort(tmp_path, _settings(tmp_path), annotation_settings())


def test_patch_folder_other_files_are_reported(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "normal/notes.txt").write_text("x")
    with caplog.at_level(logging.WARNING):
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())
    assert "1 files are not images" in caplog.text


def test_patch_folder_real_patches_are_read(real_data: Path) -> None:
    root = real_data / "camelyon16_patches_40x"
    settings = _settings(root)
    cohort, candidates = _candidates(root, settings)
    assert cohort["slide"].tolist() == ["tumor_001", "tumor_004", "tumor_064"]
    assert len(candidates) == 57 and set(cohort["width_px"]) == {256}
    images = _SOURCE.read_patches(root, candidates, 64, settings, 1).images
    assert images.shape == (57, 64, 64, 3) and images.std() > 20
