"""PatchCamelyon's HDF5 files."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from factories.sampling import sample_settings
from factories.slide_cohort import index_settings
from factories.slide_files import annotation_settings, job_settings, source_settings

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.patches.parquet import read_table
from pathgen.patches.sampling import sample_cohort
from pathgen.sources.index import index_cohort
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.resample import shrink

_SOURCE = load_source("pcam")
_COUNTS = {"train": 12, "valid": 6, "test": 8}


def _settings(root: Path, crop_px: int = 64) -> CohortSettings:
    return source_settings("pcam", root, pcam={"crop_px": crop_px})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for split, count in _COUNTS.items():
        with h5py.File(tmp_path / f"camelyonpatch_level_2_split_{split}_x.h5", "w") as file:
            pixels = rng.integers(0, 256, (count, 96, 96, 3), dtype=np.uint8)
            file.create_dataset("x", data=pixels, chunks=(1, 96, 96, 3), compression="gzip")
        with h5py.File(tmp_path / f"camelyonpatch_level_2_split_{split}_y.h5", "w") as file:
            file["y"] = (np.arange(count, dtype=np.uint8) % 2).reshape(-1, 1, 1, 1)
    return tmp_path


def _candidates(root: Path, settings: CohortSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    cohort = _SOURCE.find_cohort(root, settings, annotation_settings())
    found = [_SOURCE.find_candidates(root, row, settings, None) for row in cohort.to_dict("records")]
    assert all(one.overlay is None for one in found)
    return cohort, pd.concat([one.candidates for one in found], ignore_index=True)


def test_pcam_has_official_splits_and_labels(root: Path) -> None:
    cohort, candidates = _candidates(root, _settings(root))
    assert cohort["slide"].tolist() == ["pcam_test", "pcam_train", "pcam_valid"]
    assert cohort["split"].tolist() == ["test", "train", "valid"]
    assert not cohort["slide_known"].any()
    train = candidates[candidates["slide"] == "pcam_train"]
    assert train["item"].tolist() == list(range(12))
    assert train["label"].tolist() == ["normal", "tumor"] * 6


@pytest.mark.parametrize(("crop_px", "size_px"), [(64, 64), (96, 96), (96, 48), (64, 16)])
def test_pcam_patches_are_the_centre_in_any_row_order(root: Path, crop_px: int, size_px: int) -> None:
    settings = _settings(root, crop_px)
    _, candidates = _candidates(root, settings)
    candidates = candidates[candidates["slide"] == "pcam_train"]
    rows = pd.concat([candidates.sample(10, random_state=1), candidates.iloc[[3, 3]]])
    images = _SOURCE.read_patches(root, rows, size_px, settings, 1).images
    for number, (_, row) in enumerate(rows.iterrows()):
        with h5py.File(root / row["file"]) as file:
            whole = file["x"][row["item"]]
        margin = (96 - crop_px) // 2
        centre = whole[margin : 96 - margin, margin : 96 - margin]
        np.testing.assert_array_equal(images[number], shrink(centre, size_px))


def test_pcam_sizes_that_do_not_divide_name_both_settings(root: Path) -> None:
    settings = _settings(root)
    _, candidates = _candidates(root, settings)
    with pytest.raises(PathgenError, match=r"extract\.size_px: is 48.*64 px \(cohort\.pcam\.crop_px\)"):
        _SOURCE.read_patches(root, candidates, 48, settings, 1)
    with pytest.raises(PathgenErrors, match="have no centre of 63 px"):
        _SOURCE.find_cohort(root, _settings(root, 63), annotation_settings())


def _write(path: Path, key: str, values: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file[key] = values


def test_pcam_bad_files_are_listed(root: Path) -> None:
    prefix = "camelyonpatch_level_2_split"
    whole = (root / f"{prefix}_train_x.h5").read_bytes()
    (root / f"{prefix}_train_x.h5").write_bytes(whole[: len(whole) // 2])
    (root / f"{prefix}_valid_y.h5").unlink()
    (root / f"{prefix}_test_x.h5").write_bytes(b"\x1f\x8bgzip")
    with pytest.raises(PathgenErrors) as failure:
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())
    train, valid, test = str(failure.value).splitlines()
    assert f"{prefix}_train_x.h5: not readable as HDF5" in train
    assert f"{prefix}_valid_y.h5: no such file" in valid
    assert f"{prefix}_test_x.h5: is compressed by gzip. Unpack it" in test


@pytest.mark.parametrize(
    ("part", "key", "values", "said"),
    [
        ("x", "images", np.zeros((12, 96, 96, 3), np.uint8), "contains no array 'x'"),
        ("x", "x", np.zeros((12, 96, 96, 3), np.float32), "not uint8 of"),
        ("x", "x", np.zeros((12, 96, 64, 3), np.uint8), "not uint8 of"),
        ("x", "x", np.zeros((11, 96, 96, 3), np.uint8), "has 11 patches, but .* has 12 labels"),
        ("y", "y", np.full((12, 1, 1, 1), 2, np.uint8), "does not contain one 0 or 1 per patch"),
        ("y", "y", np.zeros((12, 2), np.uint8), "does not contain one 0 or 1"),
        ("y", "y", np.array(1, np.uint8), "does not contain one 0 or 1"),
    ],
)
def test_pcam_files_of_another_format_are_refused(
    root: Path, part: str, key: str, values: np.ndarray, said: str
) -> None:
    _write(root / f"camelyonpatch_level_2_split_train_{part}.h5", key, values)
    with pytest.raises(PathgenErrors, match=said):
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())


def test_pcam_damaged_chunk_is_an_error(root: Path) -> None:
    settings = _settings(root)
    _, candidates = _candidates(root, settings)
    path = root / "camelyonpatch_level_2_split_test_x.h5"
    with h5py.File(path) as file:
        offset = file["x"].id.get_chunk_info(2).byte_offset
    content = bytearray(path.read_bytes())
    content[offset : offset + 400] = b"\0" * 400
    path.write_bytes(content)
    rows = candidates[candidates["slide"] == "pcam_test"]
    with pytest.raises(PathgenError, match=r"split_test_x\.h5: not readable"):
        _SOURCE.read_patches(root, rows, 64, settings, 1)


def _set(root: Path, copies: list[tuple[str, int, str, int]]) -> None:
    """Give patches the pixels of others: (split, number) from (split, number)."""
    for split, number, source, origin in copies:
        with h5py.File(root / f"camelyonpatch_level_2_split_{source}_x.h5") as file:
            pixels = file["x"][origin]
        with h5py.File(root / f"camelyonpatch_level_2_split_{split}_x.h5", "r+") as file:
            file["x"][number] = pixels


def _index(root: Path, settings: CohortSettings, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    cohort = _SOURCE.find_cohort(root, settings, annotation_settings())
    index_cohort(cohort, settings, index_settings(), folder / "index", job_settings(folder / "jobs"))
    return read_table(folder / "index/candidates.parquet"), read_table(folder / "index/slides.parquet")


def test_pcam_equal_patches_are_one_and_not_in_train_where_also_in_test(
    root: Path, tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    # Even numbers are normal, odd ones tumor.
    within, across = [("train", 2, "train", 0), ("train", 4, "train", 0)], [("test", 1, "train", 1)]
    three = [("valid", 3, "train", 7), ("test", 5, "train", 7)]
    labels = [("test", 6, "valid", 1)]
    _set(root, [*within, *across, *three, *labels])
    found, slides = _index(root, _settings(root), tmp_path_factory.mktemp("index"))
    left_out = {"train": {2, 4, 1, 7}, "valid": {3, 1}, "test": {6}}
    for split, numbers in left_out.items():
        items = found.loc[found["slide"] == f"pcam_{split}", "item"]
        assert items.tolist() == sorted(set(range(_COUNTS[split])) - numbers)
    columns = ["slide", "candidates", "tumor_candidates", "copies", "two_labels"]
    assert slides[columns].to_numpy().tolist() == [
        ["pcam_test", 7, 4, 1, 1],
        ["pcam_train", 8, 4, 4, 0],
        ["pcam_valid", 4, 1, 2, 1],
    ]
    assert "7 patches are left out, since other patches have equal pixels; 2 of them have both" in caplog.text


def test_pcam_patches_are_equal_where_their_used_centres_are(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _set(root, [("train", 2, "train", 0)])
    with h5py.File(root / "camelyonpatch_level_2_split_train_x.h5", "r+") as file:
        file["x"][2, 0, 0] = 255 - file["x"][2, 0, 0]
    for crop_px, copies in ((64, 1), (96, 0)):
        folder = tmp_path_factory.mktemp("index")
        _, slides = _index(root, _settings(root, crop_px), folder)
        assert slides["copies"].tolist() == [0, copies, 0]


@pytest.mark.parametrize("rows", [1, 5, 12])
def test_pcam_digests_do_not_depend_on_the_chunks_of_the_file(root: Path, rows: int) -> None:
    path = root / "camelyonpatch_level_2_split_train_x.h5"
    row, settings = (
        _SOURCE.find_cohort(root, _settings(root), annotation_settings()).to_dict("records")[1],
        _settings(root),
    )
    before = _SOURCE.find_candidates(root, row, settings, index_settings()).pixels
    with h5py.File(path, "r+") as file:
        values = file["x"][...]
        del file["x"]
        file.create_dataset("x", data=values, chunks=(rows, 96, 96, 3))
    after = _SOURCE.find_candidates(root, row, settings, index_settings()).pixels
    assert len(set(before)) == 12
    np.testing.assert_array_equal(after, before)


def test_pcam_splits_of_different_sides_are_refused(root: Path) -> None:
    _write(root / "camelyonpatch_level_2_split_test_x.h5", "x", np.zeros((8, 128, 128, 3), np.uint8))
    with pytest.raises(PathgenErrors, match=r"contains patches of different sides: 96 px in .*128 px in"):
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())


def test_pcam_other_files_are_counted_and_named(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "camelyonpatch_level_2_split_train_x.h5.gz").write_bytes(b"x")
    _SOURCE.find_cohort(root, _settings(root), annotation_settings())
    assert "not used: 1, e.g. camelyonpatch_level_2_split_train_x.h5.gz" in caplog.text


def test_pcam_real_files_are_read(real_data: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(real_data / "pcam", tmp_path / "pcam"))
    settings = _settings(root)
    cohort, candidates = _candidates(root, settings)
    assert candidates.groupby(["slide", "label"]).size().tolist() == [80, 80, 340, 340, 80, 80]
    per_class = {"train": 200, "valid": 80, "test": 80, "nonmember": 70, "reference": 70}
    samples = sample_cohort(cohort, candidates, sample_settings(per_class))
    rows = samples[samples["role"] == "test"]
    images = _SOURCE.read_patches(root, rows, 64, settings, 1).images
    with h5py.File(root / rows["file"].iloc[5]) as file:
        np.testing.assert_array_equal(images[5], file["x"][rows["item"].iloc[5]][16:80, 16:80])
    assert images.std() > 20


def _labels(root: Path, split: str, count: int = 40) -> np.ndarray:
    """Give a split more patches, with labels in random order."""
    rng, stem = np.random.default_rng([count, len(split)]), f"camelyonpatch_level_2_split_{split}"
    labels = rng.permutation(np.arange(count, dtype=np.uint8) % 2)
    _write(root / f"{stem}_x.h5", "x", rng.integers(0, 256, (count, 96, 96, 3), dtype=np.uint8))
    _write(root / f"{stem}_y.h5", "y", labels.reshape(-1, 1, 1, 1))
    return labels


@pytest.mark.parametrize("part", ["x", "y"])
@pytest.mark.parametrize("rewritten", [False, True])
@pytest.mark.parametrize("counts", [(40, 40), (40, 36)])
def test_pcam_file_under_the_name_of_another_split_is_refused(
    root: Path, part: str, rewritten: bool, counts: tuple[int, int]
) -> None:
    for split, count in zip(("valid", "test"), counts, strict=True):
        _labels(root, split, count)
    assert len(_SOURCE.find_cohort(root, _settings(root), annotation_settings())) == 3
    valid, test = (root / f"camelyonpatch_level_2_split_{split}_{part}.h5" for split in ("valid", "test"))
    shutil.copy(valid, test)
    if rewritten:
        with h5py.File(valid) as file:
            content = file[part][...]
        test.unlink()
        with h5py.File(test, "w") as file:
            file.create_dataset(part, data=content, compression="gzip")
    what = "patches" if part == "x" else "labels"
    said = f"split_test_{part}.h5: holds the {what} of {valid.name} in the same order"
    with pytest.raises(PathgenErrors, match=said):
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())


@pytest.mark.parametrize("order", ["sorted", "alternating"])
def test_pcam_labels_in_a_pattern_may_be_those_of_another_split(root: Path, order: str) -> None:
    for split in ("valid", "test"):
        labels = np.arange(_labels(root, split).size, dtype=np.uint8) % 2
        ordered = np.sort(labels) if order == "sorted" else labels
        _write(root / f"camelyonpatch_level_2_split_{split}_y.h5", "y", ordered)
    assert len(_SOURCE.find_cohort(root, _settings(root), annotation_settings())) == 3


def test_pcam_array_in_other_files_or_with_missing_parts_is_refused(root: Path) -> None:
    train, valid, test = (
        root / f"camelyonpatch_level_2_split_{split}_x.h5" for split in ("train", "valid", "test")
    )
    for file in (train, valid, test):
        shutil.move(file, root / f"own_{file.name}")
    layout = h5py.VirtualLayout(shape=(12, 96, 96, 3), dtype=np.uint8)
    layout[:] = h5py.VirtualSource(root / f"own_{train.name}", "x", shape=(12, 96, 96, 3))
    with h5py.File(train, "w") as file:
        file.create_virtual_dataset("x", layout)
    with h5py.File(valid, "w") as file:
        file["x"] = h5py.ExternalLink(root / f"own_{valid.name}", "x")
    with h5py.File(test, "w") as file:
        file.create_dataset("x", shape=(8, 96, 96, 3), dtype=np.uint8, chunks=(1, 96, 96, 3))
        file["x"][:5] = 1
        file["x"][7] = 1
    with pytest.raises(PathgenErrors) as refusal:
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())
    said = str(refusal.value)
    assert said.count("its array 'x' is stored in other files") == 2
    assert "split_test_x.h5: holds 6 of the 8 chunks of its array 'x'" in said


def test_pcam_file_that_has_changed_since_the_cohort_is_refused(root: Path, tmp_path_factory) -> None:
    settings, folder = _settings(root), tmp_path_factory.mktemp("index")
    cohort = _SOURCE.find_cohort(root, settings, annotation_settings())
    with h5py.File(root / "camelyonpatch_level_2_split_valid_x.h5", "r+") as file:
        offset = file["x"].id.get_chunk_info(3).byte_offset
    with (root / "camelyonpatch_level_2_split_valid_x.h5").open("r+b") as stream:
        stream.seek(offset + 9)
        stream.write(b"\x7f")
    with pytest.raises(
        PathgenErrors,
        match=r"valid_x\.h5: the content of slide pcam_valid has changed .*\. Run: make recheck",
    ):
        index_cohort(cohort, settings, index_settings(), folder / "index", job_settings(folder / "jobs"))
