"""Draw 64 original and 64 synthetic patches of each class of a finished study into one picture.

The counterpart of the published study's figures 1 and 2; patches drawn at random, not chosen.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pathgen.core.labels import LABELS
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import open_patch_set

MARGIN_PX = 12
TITLE_PX = 22


def titled(grid: NDArray[np.uint8], title: str) -> Image.Image:
    """Put a title above a grid, with a margin around."""
    height, width, _ = grid.shape
    sheet = Image.new("RGB", (width + 2 * MARGIN_PX, height + TITLE_PX + MARGIN_PX), "white")
    sheet.paste(Image.fromarray(grid), (MARGIN_PX, TITLE_PX))
    ImageDraw.Draw(sheet).text((MARGIN_PX, 4), title, fill="black", font_size=14)
    return sheet


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="checkout with a finished study")
    parser.add_argument("out", type=Path, help="picture to write, .jpg or .png")
    parser.add_argument("--generator", default="dcgan")
    wanted = parser.parse_args()
    sheets = []
    original = open_patch_set(wanted.study / "data" / "patches" / "train")
    for label in LABELS:
        synthetic = open_patch_set(wanted.study / "data" / "synthetic" / f"{wanted.generator}-{label}")
        for kind, patches in (
            ("original", original.of_label(label)),
            (f"synthetic ({wanted.generator})", synthetic),
        ):
            scale = max(1, 64 // patches.images.shape[1])
            rows = np.random.default_rng(0).permutation(len(patches))[:64]
            grid = patch_grid(patches.take(np.sort(rows)).images, 8, scale=scale)
            sheets.append(titled(grid, f"{label}, {kind}"))
    width, height = sheets[0].size
    page = Image.new("RGB", (2 * width, 2 * height), "white")
    for place, sheet in enumerate(sheets):
        page.paste(sheet, (place % 2 * width, place // 2 * height))
    # Tissue hardly compresses without loss; at 92 nothing is seen to be lost.
    page.save(wanted.out, quality=92)


if __name__ == "__main__":
    main()
