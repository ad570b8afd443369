"""Patch sets of all roles, put together from what was read of each slide."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pathgen.core.errors import PathgenError
from pathgen.patches.schemas import ROLES
from pathgen.patches.store import PIXELS_FILE, open_patch_set, write_pixels
from pathgen.patches.write_roles import require_room, write_roles

_SIZE = 4


def _samples(count: int, slides: int = 3) -> pd.DataFrame:
    """Rows in the order of the samples table, over several slides and all roles."""
    numbers = np.random.default_rng(1).permutation(count)
    frame = pd.DataFrame(
        {
            "slide": [f"s{number % slides}" for number in numbers],
            "file": [f"s{number % slides}.tif" for number in numbers],
            "item": numbers,
            "x_l0": pd.array(numbers * 8, dtype="Int64"),
            "y_l0": pd.array(numbers * 0, dtype="Int64"),
            "size_l0": pd.array(numbers * 0 + 8, dtype="Int64"),
            "label": ["normal" if number % 2 else "tumor" for number in numbers],
            "role": [ROLES[number // slides % len(ROLES)] for number in numbers],
        }
    )
    return frame.sort_values(["role", "label", "slide", "item"])


def _pieces(samples: pd.DataFrame, folder: Path) -> dict[str, Path]:
    pieces = {}
    for slide, rows in samples.sort_values("item").groupby("slide"):
        pieces[str(slide)] = folder / str(slide)
        (folder / str(slide)).mkdir(parents=True)
        images = np.stack([np.full((_SIZE, _SIZE, 3), item % 251, np.uint8) for item in rows["item"]])
        write_pixels(pieces[str(slide)] / PIXELS_FILE, images.shape, [images])
    return pieces


def test_write_roles_keeps_the_order_of_rows(tmp_path: Path) -> None:
    samples = _samples(5000)
    write_roles(samples, _pieces(samples, tmp_path / "pieces"), tmp_path / "patches", _SIZE)
    assert sorted(path.name for path in (tmp_path / "patches").iterdir()) == sorted(ROLES)
    for role in ROLES:
        patches, rows = open_patch_set(tmp_path / "patches" / role), samples[samples["role"] == role]
        assert (patches.images == (patches.index["item"].to_numpy() % 251)[:, None, None, None]).all()
        assert patches.index["item"].tolist() == rows["item"].tolist()


def test_write_roles_damaged_slide_leaves_no_partial_set(tmp_path: Path) -> None:
    samples = _samples(60)
    pieces = _pieces(samples, tmp_path / "pieces")
    damaged = pieces["s1"] / "patches.npy"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(PathgenError, match=r"s1/patches\.npy: not readable"):
        write_roles(samples, pieces, tmp_path / "patches", _SIZE)
    assert list((tmp_path / "patches").iterdir()) == []


def test_require_room_counts_all_outputs_on_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9, 10**9, 10_000))
    require_room({tmp_path / "a": 4000, tmp_path / "b": 6000})
    with pytest.raises(PathgenError, match="a: the disk is full: 10,001 bytes"):
        require_room({tmp_path / "a": 4001, tmp_path / "b": 6000})
