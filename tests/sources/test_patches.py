"""Folders of labelled images."""

import re
from pathlib import Path
from typing import Any
from unicodedata import normalize

import imagecodecs
import numpy as np
import pandas as pd
import pytest
import tifffile
from factories.slide_cohort import index_settings
from factories.slide_files import annotation_settings, job_settings, source_settings
from PIL import Image

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.inspect.probe import inspect_path
from pathgen.patches.parquet import read_table
from pathgen.sources.index import index_cohort
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


def test_patch_folder_one_slide_may_be_spelled_in_two_ways(tmp_path: Path) -> None:
    for seed, (label, form) in enumerate((("normal", "NFC"), ("normal", "NFD"), ("tumor", "NFD"))):
        _image(tmp_path / label / f"{normalize(form, 'é')}_{seed}_0.png", seed)
    # A pattern that counts characters, in either spelling.
    for pattern in (_PATTERN, r"(?P<slide>.)_.*", r"(?P<slide>\w)_.*"):
        settings = source_settings("patch_folder", tmp_path, patch_folder={"slide_pattern": pattern})
        _, candidates = _candidates(tmp_path, settings)
        assert candidates["slide"].unique().tolist() == [normalize("NFC", "é")]
        assert len(candidates) == 3
    excluded = _settings(tmp_path, exclude_slides=[normalize("NFD", "é")])
    with pytest.raises(PathgenErrors, match="contains no usable slide"):
        _candidates(tmp_path, excluded)


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


def _copy(root: Path, source: str, *targets: str) -> None:
    for target in targets:
        Image.open(root / source).save(root / target)


def _index(root: Path, settings: CohortSettings, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of candidates and of indexed slides."""
    cohort, index = _SOURCE.find_cohort(root, settings, annotation_settings()), index_settings()
    index_cohort(cohort, settings, index, folder / "index", job_settings(folder / "jobs"))
    return read_table(folder / "index/candidates.parquet"), read_table(folder / "index/slides.parquet")


def test_patch_folder_equal_pixels_are_one_patch(
    root: Path, tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    # Of the same slide, of another slide, and in other formats: other bytes, the same pixels.
    _copy(root, "normal/s1_0_0.png", "normal/s1_7_7.png", "normal/s2_7_7.bmp", "normal/s4_0_0.png")
    _copy(root, "tumor/s10_1_1.png", "tumor/s2_8_8.tif")
    found, slides = _index(root, _settings(root), tmp_path_factory.mktemp("index"))
    assert found["file"].tolist() == [
        "normal/s1_0_0.png",
        "tumor/s1_0_0.png",
        "normal/s1_10_2.png",
        "tumor/s1_9_0.png",
        "tumor/s10_1_1.png",
        "normal/s2_5_5.png",
    ]
    columns = ["slide", "candidates", "tumor_candidates", "copies", "two_labels"]
    assert slides[columns].to_numpy().tolist() == [
        ["s1", 4, 2, 1, 0],
        ["s10", 1, 1, 0, 0],
        ["s2", 1, 0, 2, 0],
        ["s4", 0, 0, 1, 0],
    ]
    assert "4 patches are left out, since other patches have equal pixels" in caplog.text


def test_patch_folder_equal_pixels_of_both_labels_are_an_error(root: Path) -> None:
    _copy(root, "normal/s1_0_0.png", "tumor/s2_7_7.bmp")
    with pytest.raises(PathgenErrors) as failure:
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())
    one, other = sorted(str(failure.value).splitlines())
    assert "s1_0_0.png: has the same pixels as tumor/s2_7_7.bmp, which has another label" in one
    assert "s2_7_7.bmp: has the same pixels as normal/s1_0_0.png, which has another label" in other


def _mixed(root: Path, sides: dict[str, list[int]], dpi: dict[int, float] | None = None) -> None:
    for label, of_label in sides.items():
        for number, side in enumerate(of_label):
            pixels = np.random.default_rng([number, len(label)]).integers(0, 256, (side, side, 3), np.uint8)
            stated = {"dpi": (dpi[side],) * 2} if dpi else {}
            (root / label).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(root / f"{label}/s{number % 3}_{number}_0.png", **stated)


_PER_INCH = 25_400.0


@pytest.mark.parametrize(
    ("sides", "setting", "said"),
    [
        ({"normal": [32] * 6, "tumor": [16] * 6}, "equal", "the side predicts the label"),
        ({"normal": [32] * 6, "tumor": [16] * 6}, "same_area", "the side predicts the label"),
        ({"normal": [32] * 6, "tumor": [32] * 5 + [16]}, "same_area", "the side predicts the label"),
        (
            {"normal": [32, 16] * 40, "tumor": [32] * 70 + [16] * 10},
            "same_area",
            "the side predicts the label",
        ),
        ({"normal": [32, 16] * 3, "tumor": [32, 16] * 3}, "equal", "cohort.patch_folder.sides to same_area"),
    ],
)
def test_patch_folder_different_sides_are_refused(
    tmp_path: Path, sides: dict[str, list[int]], setting: str, said: str
) -> None:
    _mixed(tmp_path, sides)
    settings = source_settings(
        "patch_folder", tmp_path, patch_folder={"slide_pattern": _PATTERN, "sides": setting}
    )
    with pytest.raises(PathgenErrors, match=said):
        _SOURCE.find_cohort(tmp_path, settings, annotation_settings())
    if setting == "equal":
        assert said in str(inspect_path(tmp_path).problem)


def test_patch_folder_sides_of_the_same_area_are_used_where_the_setting_says_so(tmp_path: Path) -> None:
    own = {"slide_pattern": _PATTERN, "sides": "same_area"}
    settings = source_settings("patch_folder", tmp_path, patch_folder=own)
    sides = {"normal": [32, 16, 16, 32, 32, 16], "tumor": [32, 16, 32, 16, 32, 16]}
    _mixed(tmp_path, sides, {32: _PER_INCH / 0.25, 16: _PER_INCH / 0.5})
    assert len(_SOURCE.find_cohort(tmp_path, settings, annotation_settings())) == 3
    _mixed(tmp_path, sides, {32: _PER_INCH / 0.25, 16: _PER_INCH / 0.25})
    with pytest.raises(PathgenErrors, match=r"areas of different size .* at 0\.25 um/px"):
        _SOURCE.find_cohort(tmp_path, settings, annotation_settings())


def test_patch_folder_resolutions_in_the_files_must_agree(root: Path) -> None:
    def stated(name: str, per_inch: float) -> None:
        with Image.open(root / name) as image:
            image.load()
        image.save(root / name, dpi=(per_inch, per_inch))

    stated("normal/s1_0_0.png", 72)  # of a screen: says nothing
    stated("normal/s2_5_5.png", _PER_INCH / 0.226)
    stated("tumor/s10_1_1.png", _PER_INCH / 0.243)
    assert len(_SOURCE.find_cohort(root, _settings(root), annotation_settings())) == 3
    stated("tumor/s10_1_1.png", _PER_INCH / 0.5)
    said = "areas of different size by the resolution in the files: normal/s2_5_5.png 32 px at 0.226 um/px"
    with pytest.raises(PathgenErrors, match=said):
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())
    assert said in str(inspect_path(root).problem)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_patch_folder_16_bits_are_refused(root: Path, suffix: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 4096, (32, 32, 3), dtype=np.uint16)
    path = root / f"tumor/s3_1_1.{suffix}"
    if suffix == "png":
        path.write_bytes(imagecodecs.png_encode(pixels))
    else:
        tifffile.imwrite(path, pixels, photometric="rgb", compression="zlib")
    said = rf"s3_1_1\.{suffix}: stores its channels as 16"
    with pytest.raises(PathgenErrors, match=said):
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())
    assert re.search(said, str(inspect_path(root).problem))


def test_patch_folder_files_of_several_images_are_refused(root: Path) -> None:
    tifffile.imwrite(root / "tumor/s3_1_1.tif", np.zeros((2, 32, 32, 3), np.uint8), photometric="rgb")
    with pytest.raises(PathgenErrors, match=r"s3_1_1\.tif: holds 2 images"):
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
    with pytest.raises(PathgenError, match="normal: contains no images"):
        _SOURCE.find_cohort(tmp_path, _settings(tmp_path), annotation_settings())


@pytest.mark.parametrize("nested", ["normal/case_B/s1_0_0.png", "tumor/a/b/tile.TIF", "tumor/linked"])
@pytest.mark.parametrize("on_bad_slide", ["stop", "skip"])
def test_patch_folder_images_in_sub_folders_are_an_error(
    root: Path, tmp_path_factory: pytest.TempPathFactory, nested: str, on_bad_slide: str
) -> None:
    if nested == "tumor/linked":
        away = tmp_path_factory.mktemp("away")
        _image(away / "x.png", 0)
        (root / nested).symlink_to(away)
    else:
        (root / nested).parent.mkdir(parents=True)
        (root / nested).write_bytes(b"any")
    folder = "/".join(nested.split("/")[:2])
    said = f"{folder}: is a folder with images inside the folder of a label"
    with pytest.raises(PathgenErrors, match=said):
        _SOURCE.find_cohort(root, _settings(root, on_bad_slide=on_bad_slide), annotation_settings())
    assert said in str(inspect_path(root).problem)


def test_patch_folder_other_files_are_counted_and_named(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "normal/notes.txt").write_text("x")
    (root / "normal/.ipynb_checkpoints").mkdir()
    _image(root / "normal/.ipynb_checkpoints/a.png", 0)
    (root / "Tumor2").mkdir()
    _SOURCE.find_cohort(root, _settings(root), annotation_settings())
    said = "3 (Tumor2, normal/.ipynb_checkpoints, normal/notes.txt)"
    assert said in caplog.text
    finding = inspect_path(root)
    assert finding.usable and finding.facts["not_used"] == said


def test_patch_folder_real_patches_are_read(real_data: Path) -> None:
    root = real_data / "camelyon16_patches_40x"
    settings = _settings(root)
    cohort, candidates = _candidates(root, settings)
    assert cohort["slide"].tolist() == ["tumor_001", "tumor_004", "tumor_064"]
    assert len(candidates) == 57 and set(cohort["width_px"]) == {256}
    images = _SOURCE.read_patches(root, candidates, 64, settings, 1).images
    assert images.shape == (57, 64, 64, 3) and images.std() > 20
