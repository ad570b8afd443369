"""Patch sets on disk."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pathgen.core.errors import PathgenError
from pathgen.patches.parquet import write_table
from pathgen.patches.store import INDEX_FILE, PIXELS_FILE, open_patch_set, write_patch_set

_SIZE = 8


def _images(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, _SIZE, _SIZE, 3), dtype=np.uint8)


def _index(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {"item": range(count), "label": ["normal", "tumor", "tumor", "normal", "tumor"][:count]}
    )


def _write(folder: Path, count: int = 5) -> np.ndarray:
    images = _images(count)
    write_patch_set(folder, _index(count), _SIZE, [images[:2], images[2:]])
    return images


def test_patch_set_round_trip_is_exact(tmp_path: Path) -> None:
    images = _write(tmp_path / "train")
    patches = open_patch_set(tmp_path / "train")
    assert len(patches) == 5
    np.testing.assert_array_equal(patches.images, images)
    np.testing.assert_array_equal(np.load(tmp_path / "train" / PIXELS_FILE), images)
    assert patches.index.to_dict("list") == _index(5).to_dict("list")
    assert not patches.images.flags.writeable and isinstance(patches.images, np.memmap)
    assert sorted(file.name for file in tmp_path.rglob("*")) == [INDEX_FILE, PIXELS_FILE, "train"]


def test_patch_set_bytes_do_not_depend_on_batches(tmp_path: Path) -> None:
    images = _write(tmp_path / "a")
    write_patch_set(tmp_path / "b", _index(5), _SIZE, (image[None] for image in images))
    for name in (PIXELS_FILE, INDEX_FILE):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_of_label_keeps_order_and_copies_scattered_rows_only(tmp_path: Path) -> None:
    images = _write(tmp_path / "train")
    patches = open_patch_set(tmp_path / "train")
    normal, tumor = patches.of_label("normal"), patches.of_label("tumor")
    assert normal.index["item"].tolist() == [0, 3] and tumor.index["item"].tolist() == [1, 2, 4]
    np.testing.assert_array_equal(tumor.images, images[[1, 2, 4]])
    run = patches.take([1, 2])
    np.testing.assert_array_equal(run.images, images[1:3])
    assert run.images.base is not None and np.shares_memory(run.images, patches.images)
    assert len(normal.of_label("tumor")) == 0


def test_patch_set_failed_write_keeps_the_old_set(tmp_path: Path) -> None:
    images = _write(tmp_path / "train")

    def batches() -> Iterator[np.ndarray]:
        yield images[:1]
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        write_patch_set(tmp_path / "train", _index(5), _SIZE, batches())
    np.testing.assert_array_equal(open_patch_set(tmp_path / "train").images, images)
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


def test_patch_set_remains_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    for name in (".train.partial", ".train-normal.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / PIXELS_FILE).write_bytes(b"half")
    _write(tmp_path / "train")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".train-normal.partial", "train"]


def test_patch_set_short_or_mislabelled_is_refused(tmp_path: Path) -> None:
    for index in (_index(5), _index(3), _index(4).assign(label="cancer")):
        with pytest.raises(AssertionError):
            write_patch_set(tmp_path / "train", index, _SIZE, [_images(4)])
    assert list(tmp_path.iterdir()) == []


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


_PIXELS = _npy(_images(5))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"no array",
        _PIXELS[:-1],
        _PIXELS[:200],
        _PIXELS + b"x",
        _npy(np.zeros((5, 8, 8, 3), np.float32)),
        _npy(np.zeros((5, 8, 8), np.uint8)),
        _npy(np.zeros((5, 8, 8, 4), np.uint8)),
        _npy(np.asfortranarray(_images(5))),
    ],
)
def test_patch_set_damaged_pixels_name_the_file(tmp_path: Path, content: bytes) -> None:
    _write(tmp_path)
    (tmp_path / PIXELS_FILE).write_bytes(content)
    with pytest.raises(PathgenError) as failure:
        open_patch_set(tmp_path)
    assert PIXELS_FILE in failure.value.subject


def test_patch_set_index_of_other_length_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "s")
    for index, said in [
        (_index(4), "5 patches but 4 index rows"),
        (_index(5).drop(columns="label"), "label is missing"),
        (_index(5).assign(label=["normal"] * 4 + [None]), "label is missing"),
    ]:
        write_table(index, tmp_path / "s" / INDEX_FILE)
        with pytest.raises(PathgenError, match=said):
            open_patch_set(tmp_path / "s")
    with pytest.raises(PathgenError, match="no such file"):
        open_patch_set(tmp_path / "none")
