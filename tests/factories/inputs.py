"""A small input of every source that reads files."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from factories.slide_cohort import cohort_settings, write_cohort
from factories.slide_files import source_settings, write_camelyon16
from pathgen.sources.settings import CohortSettings


def write_slides(root: Path) -> CohortSettings:
    """Write four slides with their table, two of them outlined."""
    write_cohort(root, 4)
    return cohort_settings(root)


def write_layout(root: Path) -> CohortSettings:
    """Write six slides in Camelyon16's layout."""
    write_camelyon16(root)
    return source_settings("camelyon16", root)


def write_pcam(root: Path) -> CohortSettings:
    """Write eight patches per split in PatchCamelyon's six files."""
    root.mkdir()
    rng = np.random.default_rng(3)
    for split in ("train", "valid", "test"):
        stem = f"camelyonpatch_level_2_split_{split}"
        for name, values in (("x", rng.integers(0, 256, (8, 96, 96, 3))), ("y", rng.integers(0, 2, 8))):
            with h5py.File(root / f"{stem}_{name}.h5", "w") as file:
                file[name] = values.astype(np.uint8)
    return source_settings("pcam", root, pcam={"crop_px": 96})


def write_images(root: Path) -> CohortSettings:
    """Write two images of different labels."""
    rng = np.random.default_rng(3)
    for label in ("normal", "tumor"):
        (root / label).mkdir(parents=True)
        pixels = rng.integers(0, 256, (16, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / label / "a_1.png")
    return source_settings("patch_folder", root, patch_folder={"slide_pattern": r"(?P<slide>.)_\d+"})


#: Source to the function that writes its input into a folder and returns the section `cohort`.
WRITERS: dict[str, Callable[[Path], CohortSettings]] = {
    "slide_csv": write_slides,
    "camelyon16": write_layout,
    "pcam": write_pcam,
    "patch_folder": write_images,
}
