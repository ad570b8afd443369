"""Pixels of drawn patches."""

import errno
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pathgen.errors import PathgenError
from pathgen.patches import extraction, store
from pathgen.patches.extraction import extract_patches, extract_roles
from pathgen.patches.store import open_patch_set
from pathgen.patches.tables import ROLES

_SIZE = 4


def _samples(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "slide": [f"s{number // 150}" for number in range(count)],
            "file": [f"s{number // 150}.tif" for number in range(count)],
            "item": range(count),
            "label": ["normal" if number % 2 else "tumor" for number in range(count)],
            "role": "train",
        }
    )


def _read(rows: pd.DataFrame) -> np.ndarray:
    assert rows["file"].nunique() == 1 and len(rows) <= 128
    return np.stack([np.full((_SIZE, _SIZE, 3), item % 256, np.uint8) for item in rows["item"]])


@pytest.mark.parametrize("threads", [1, 5])
def test_patches_are_in_row_order_whatever_the_threads(tmp_path: Path, threads: int) -> None:
    def slow_at_times(rows: pd.DataFrame) -> np.ndarray:
        time.sleep(0.02 if rows["item"].iloc[0] % 256 == 0 else 0)
        return _read(rows)

    samples = _samples(1000).sample(frac=1, random_state=1).sort_values("slide", kind="stable")
    extract_patches(slow_at_times, samples, tmp_path / "train", _SIZE, threads)
    patches = open_patch_set(tmp_path / "train")
    assert patches.images[:, 0, 0, 0].tolist() == (samples["item"] % 256).tolist()
    assert patches.index["item"].tolist() == samples["item"].tolist()


def test_few_chunks_are_in_memory(tmp_path: Path) -> None:
    started, most, lock = set(), [0], threading.Lock()

    def read(rows: pd.DataFrame) -> np.ndarray:
        with lock:
            started.add(int(rows["item"].iloc[0]))
        return _read(rows)

    class Counting(store.PatchSetWriter):
        def append(self, images: np.ndarray) -> None:
            super().append(images)
            most[0] = max(most[0], len(started) * 128 - self._written)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extraction, "PatchSetWriter", Counting)
        extract_patches(read, _samples(6000).assign(file="one"), tmp_path / "train", _SIZE, 2)
    assert most[0] <= 6 * 128


def test_a_bad_patch_leaves_nothing_behind(tmp_path: Path) -> None:
    def read(rows: pd.DataFrame) -> np.ndarray:
        if 400 in set(rows["item"]):
            raise PathgenError("s2.tif", "level 0 cannot be read", "Copy it again")
        return _read(rows)

    with pytest.raises(PathgenError, match=r"s2\.tif: level 0"):
        extract_patches(read, _samples(1000), tmp_path / "train", _SIZE, 3)
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_said_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9, 10**9, 10_000))

    def never(rows: pd.DataFrame) -> np.ndarray:
        raise AssertionError("read before checking")

    for extract in (extract_patches, extract_roles):
        with pytest.raises(PathgenError, match="the disk is full: the patches need 248,000 bytes"):
            extract(never, _samples(1000), tmp_path / "patches", _SIZE, 1)


def test_a_disk_that_fills_up_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: store.PatchSetWriter, images: np.ndarray) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.PatchSetWriter, "append", full)
    with pytest.raises(PathgenError, match=r"train: the disk is full.*Free that much space"):
        extract_patches(_read, _samples(10), tmp_path / "train", _SIZE, 1)
    assert list(tmp_path.iterdir()) == []


def test_other_disk_errors_are_not_called_full(tmp_path: Path) -> None:
    def broken(rows: pd.DataFrame) -> np.ndarray:
        raise OSError(errno.EIO, "input/output error")

    with pytest.raises(OSError, match="input/output"):
        extract_patches(broken, _samples(10), tmp_path / "train", _SIZE, 1)


def test_each_role_becomes_a_set(tmp_path: Path) -> None:
    samples = pd.concat([_samples(3).assign(role=role, item=number) for number, role in enumerate(ROLES)])
    extract_roles(_read, samples, tmp_path / "patches", _SIZE, 2)
    for number, role in enumerate(ROLES):
        patches = open_patch_set(tmp_path / "patches" / role)
        assert len(patches) == 3 and (patches.images == number).all()
        assert set(patches.index["role"]) == {role}
