"""Make the patches that the benchmarks read: tissue, and noise that costs as much."""

import os
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pathgen.core.profiles import read_profile
from pathgen.phantom.phantom_dataset import SlidePlan, write_slide
from pathgen.phantom.settings import PhantomSettings

Images = NDArray[np.uint8]
PIECE_PX = 256


def noise(count: int, side_px: int, seed: int = 1) -> Images:
    """Return coarse noise that compresses about as tissue does, uint8 (count, side_px, side_px, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(90, 220, (count, side_px // 8, side_px // 8, 3), dtype=np.uint8)
    images = coarse.repeat(8, axis=1).repeat(8, axis=2)
    images += rng.integers(0, 24, images.shape, dtype=np.uint8)
    return images


def tissue() -> Images:
    """Return pieces of tissue, uint8 (N, 256, 256, 3).

    Real tissue comes from the folder `camelyon16_patches_40x` of ``PATHGEN_REAL_DATA``, phantom tissue is
    drawn without it.
    """
    real = Path(os.environ.get("PATHGEN_REAL_DATA", ""), "camelyon16_patches_40x")
    files = sorted(real.rglob("*.png"))
    if files:
        return np.stack([np.asarray(Image.open(file).convert("RGB"), np.uint8) for file in files])
    size = {"width_px": 8 * PIECE_PX, "height_px": 8 * PIECE_PX, "mpp": 0.25, "levels": 1, "tile_px": 512}
    plain = read_profile("phantom")["cohort"]["phantom"] | size | {"tissue_share": 0.8}
    with tempfile.TemporaryDirectory() as folder:
        plan = SlidePlan("bench", "phantom.tif", None)
        write_slide(Path(folder), plan, PhantomSettings.model_validate(plain))
        picture = tifffile.imread(Path(folder, "phantom.tif"))
    blocks = picture.reshape(8, PIECE_PX, 8, PIECE_PX, 3).swapaxes(1, 2).reshape(64, PIECE_PX, PIECE_PX, 3)
    return np.stack([block for block in blocks if block.std() > 15])
