"""Small patch sets as the stages write them."""

from pathlib import Path

import numpy as np
import pandas as pd

from pathgen.patches.schemas import SAMPLES, check_table
from pathgen.patches.store import write_patch_set

SIDE = 16


def write_set(folder: Path, count: int = 23, seed: int = 0, split: str = "train") -> np.ndarray:
    """Write a set as the stage extract does: with gaps in the columns that a source may not know."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    index = pd.DataFrame({"item": np.arange(count) * 7 + seed})
    index = index.assign(
        slide=[f"tumor_{number % 3:03d}" for number in range(count)],
        split=split,
        label=np.where(rng.random(count) < 0.5, "normal", "tumor"),
        x_l0=pd.array([None if number % 5 == 0 else number for number in range(count)], dtype="Int64"),
        tumor_fraction=np.where(rng.random(count) < 0.2, np.nan, rng.random(count)),
        touches_tumor=pd.array([None, True, False] * count, dtype="boolean")[:count],
        exhaustive=True,
        role=split,
    )
    index = check_table(index.reindex(columns=SAMPLES.names), SAMPLES, "index")
    write_patch_set(folder, index, SIDE, [images])
    return images


def write_synthetic(folder: Path, count: int = 6) -> np.ndarray:
    """Write a set as the stage synthesise does."""
    images = np.random.default_rng(9).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    index = {"item": np.arange(count), "label": ["tumor"] * count, "generator": "dcgan", "seed": 7}
    write_patch_set(folder, pd.DataFrame(index), SIDE, [images])
    return images


def content(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }
