"""Near-duplicates of ready-made patches: rotated, mirrored, or compressed again."""

import io
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from factories.slide_cohort import index_settings
from factories.slide_files import annotation_settings, job_settings, source_settings
from PIL import Image

from pathgen.patches.parquet import read_table
from pathgen.sources import near_duplicates
from pathgen.sources.index import index_cohort
from pathgen.sources.near_duplicates import GREATEST_RMS, LEAST_CONTRAST, SIDE, near_pairs, thumbnail
from pathgen.sources.source_discovery import load_source
from pathgen.survey.slide_table import near_in_roles

SYMMETRIES = [(turns, mirrored) for turns in range(4) for mirrored in (False, True)]


def _picture(seed: int, side: int = 96) -> np.ndarray:
    """Return smooth structures of the colours of H&E with fine noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(90, 240, (9, 9, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), dtype=np.int16)
    return np.clip(smooth + rng.integers(-15, 16, smooth.shape), 0, 255).astype(np.uint8)


def _turned(image: np.ndarray, turns: int, mirrored: bool) -> np.ndarray:
    turned = np.rot90(image, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)


def _compressed(image: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def _thumbnails(*images: np.ndarray) -> np.ndarray:
    return np.stack([thumbnail(image) for image in images])


@pytest.mark.parametrize(("turns", "mirrored"), SYMMETRIES)
@pytest.mark.parametrize("quality", [None, 75, 50])
def test_turned_and_compressed_patch_is_found(turns: int, mirrored: bool, quality: int | None) -> None:
    images = [_picture(seed) for seed in range(20)]
    other = _turned(images[7], turns, mirrored)
    found = near_pairs(_thumbnails(*images, other if quality is None else _compressed(other, quality)))
    assert found[["one", "other"]].to_numpy().tolist() == [[7, 20]]


def test_search_finds_the_pairs_that_comparing_all_finds() -> None:
    rng = np.random.default_rng(1)
    base = _thumbnails(*(_picture(seed) for seed in range(12)))
    near = np.concatenate([base + rng.normal(0, rms, base.shape) for rms in (0.0, 1.0, 2.5, 3.5, 3.9, 4.5)])
    thumbnails = np.clip(near.round(), 0, 255).astype(np.uint8)
    expected = []
    for one in range(len(thumbnails)):
        for other in range(one + 1, len(thumbnails)):
            turned = [_turned(thumbnails[other], *how).astype(float) for how in SYMMETRIES]
            rms = min(np.sqrt(np.mean((thumbnails[one] - image) ** 2)) for image in turned)
            if rms <= GREATEST_RMS:
                expected.append([one, other])
    found = near_pairs(thumbnails)
    assert found[["one", "other"]].to_numpy().tolist() == expected
    assert 50 < len(expected) < len(thumbnails) * 6


def test_patches_of_little_contrast_are_not_compared() -> None:
    rng = np.random.default_rng(0)
    white = rng.integers(238, 243, (30, SIDE, SIDE, 3), dtype=np.uint8)
    assert near_pairs(white).empty
    assert near_pairs(white[:0]).empty and near_pairs(white[:1]).empty


def test_pairs_of_unlike_contrast_are_found() -> None:
    rng = np.random.default_rng(5)
    patches, expected = [], []
    for contrast in np.geomspace(0.8, 40, 60):
        drawn = rng.normal(0, contrast, (SIDE, SIDE, 3))
        patches += [np.clip(128 + share * drawn, 0, 255).round().astype(np.uint8) for share in (1.0, 0.86)]
        one, other = (patch.astype(float) for patch in patches[-2:])
        least = min(patch.std(axis=(0, 1)).mean() for patch in (one, other))
        if least >= LEAST_CONTRAST and np.sqrt(np.mean((one - other) ** 2)) <= min(GREATEST_RMS, 0.2 * least):
            expected.append([len(patches) - 2, len(patches) - 1])
    assert near_pairs(np.stack(patches))[["one", "other"]].to_numpy().tolist() == expected
    assert 20 < len(expected) < 60


def test_almost_uniform_patches_are_not_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    noise = (
        rng.normal(0, 1, (4000, SIDE, SIDE, 3)) * np.repeat((0.0, 0.5, 1.5, 3.0), 1000)[:, None, None, None]
    )
    patches = np.clip(235 + noise.round(), 0, 255).astype(np.uint8)
    patches[3999] = _turned(patches[2500], 1, True)
    patches[3998] = _turned(patches[3500], 3, False)
    patches[3998, 0] += 1
    compared = 0

    def count(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        nonlocal compared
        compared += len(ones)
        assert compared <= 8 * len(patches)  # all pairs: 8 * 2000 * len(patches)
        return rms(ones, others)

    rms = near_duplicates._rms
    monkeypatch.setattr(near_duplicates, "_rms", count)
    found = near_pairs(patches)
    assert found[["one", "other"]].to_numpy().tolist() == [[2500, 3999], [3500, 3998]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """PCam's files, 12 patches in each split; four of the test patches are near-duplicates."""
    sets = {
        split: [_picture(100 * number + item) for item in range(12)] for number, split in enumerate("abc")
    }
    train, valid, test = sets.values()
    test[1] = _compressed(_turned(train[3], 1, True), 75)  # the same label
    test[2] = _turned(train[5], 2, False)  # another label
    test[4] = _compressed(valid[6], 75)
    train[8] = _turned(train[0], 3, False)
    for split, images in zip(("train", "valid", "test"), (train, valid, test), strict=True):
        with h5py.File(tmp_path / f"camelyonpatch_level_2_split_{split}_x.h5", "w") as file:
            file["x"] = np.stack(images)
        with h5py.File(tmp_path / f"camelyonpatch_level_2_split_{split}_y.h5", "w") as file:
            file["y"] = np.arange(12, dtype=np.uint8) % 2
    return tmp_path


def _index(root: Path, folder: Path, **changes: str) -> tuple[pd.DataFrame, ...]:
    settings = source_settings("pcam", root, pcam={"crop_px": 96}, **changes)
    cohort = load_source("pcam").find_cohort(root, settings, annotation_settings())
    index_cohort(cohort, settings, index_settings(), folder / "index", job_settings(folder / "jobs"))
    return tuple(
        read_table(folder / f"index/{name}.parquet") for name in ("candidates", "slides", "near_duplicates")
    )


def test_near_duplicates_are_counted_and_named(
    root: Path, tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    candidates, slides, pairs = _index(root, tmp_path_factory.mktemp("out"))
    assert len(candidates) == 36
    named = [
        sorted([(row.split, row.item), (row.other_split, row.other_item)])
        for row in pairs.itertuples(index=False)
    ]
    assert sorted(named) == [
        [("test", 1), ("train", 3)],
        [("test", 2), ("train", 5)],
        [("test", 4), ("valid", 6)],
        [("train", 0), ("train", 8)],
    ]
    # Those that leave_out would remove: of train 3, of both labels, of valid 6, of train 0 and 8.
    assert slides[["slide", "near_duplicates"]].to_numpy().tolist() == [
        ["pcam_test", 1],
        ["pcam_train", 3],
        ["pcam_valid", 1],
    ]
    assert "5 patches are used (cohort.near_duplicates: keep)" in caplog.text
    counts = "1 have two labels and 3 have two official splits"
    assert f"of 4 pairs, listed in data/index/near_duplicates.parquet, {counts}" in caplog.text


def test_images_without_splits_have_near_duplicates_of_two_labels(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = tmp_path / "images"
    for label, first in (("normal", 0), ("tumor", 10)):
        (images / label).mkdir(parents=True)
        for number in range(first, first + 4):
            image = _picture(number) if number != 12 else _turned(_picture(1), 1, False)
            Image.fromarray(image).save(images / label / f"{number}.png")
    settings = source_settings("patch_folder", images, patch_folder={"slide_pattern": r"(?P<slide>\d+)"})
    cohort = load_source("patch_folder").find_cohort(images, settings, annotation_settings())
    index_cohort(cohort, settings, index_settings(), tmp_path / "index", job_settings(tmp_path / "jobs"))
    assert "of 1 pairs, listed in data/index/near_duplicates.parquet, 1 have two labels" in caplog.text
    assert "official splits" not in caplog.text


def test_near_duplicates_are_left_out_where_that_is_set(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    candidates, slides, pairs = _index(root, tmp_path_factory.mktemp("out"), near_duplicates="leave_out")
    left = {split: set(range(12)) - set(own["item"]) for split, own in candidates.groupby("split")}
    # The one in the split that is used last is kept; pictures with both labels are not.
    assert left == {"train": {3, 5, 8}, "valid": {6}, "test": {2}}
    assert slides["near_duplicates"].sum() == 5 and len(pairs) == 4


def test_near_duplicates_in_two_roles_are_counted(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    candidates, _, pairs = _index(root, tmp_path_factory.mktemp("out"))
    roles = candidates["split"].where(candidates["item"] != 8, "nonmember")
    drawn = candidates.assign(role=roles)
    drawn = drawn[~((drawn["split"] == "valid") & (drawn["item"] == 6))]
    assert near_in_roles(pairs, drawn) == {"pcam_train": 4, "pcam_test": 2}
