"""Write one picture with 64 original and 64 synthetic patches of each class of a finished study.

The counterpart of figures 1 and 2 of the published study. Patches are sampled at random.
"""

from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import open_patch_set

MARGIN_PX = 12
TITLE_PX = 22


def titled(grid: NDArray[np.uint8], title: str) -> Image.Image:
    """Add a margin and a title to an image grid."""
    height, width, _ = grid.shape
    sheet = Image.new("RGB", (width + 2 * MARGIN_PX, height + TITLE_PX + MARGIN_PX), "white")
    sheet.paste(Image.fromarray(grid), (MARGIN_PX, TITLE_PX))
    ImageDraw.Draw(sheet).text((MARGIN_PX, 4), title, fill="black", font_size=14)
    return sheet


def page(sheets: list[Image.Image], columns: int) -> Image.Image:
    """Lay out sheets of equal size in rows."""
    width, height = sheets[0].size
    picture = Image.new("RGB", (columns * width, -(-len(sheets) // columns) * height), "white")
    for number, sheet in enumerate(sheets):
        picture.paste(sheet, (number % columns * width, number // columns * height))
    return picture


def main(study: Path, out: Path, generator: str = "dcgan") -> None:
    """Write the picture OUT (.jpg or .png) of the checkout STUDY."""
    original = open_patch_set(study / layout.TRAIN)
    sheets = []
    for label in LABELS:
        synthetic = open_patch_set(study / layout.synthetic_set(generator, label))
        for title, patches in (("original", original.of_label(label)), (generator, synthetic)):
            rows = np.sort(np.random.default_rng(0).permutation(len(patches))[:64])
            scale = max(1, 64 // patches.images.shape[1])
            sheets.append(titled(patch_grid(patches.take(rows).images, 8, scale=scale), f"{label}, {title}"))
    page(sheets, columns=2).save(out, quality=92)


if __name__ == "__main__":
    typer.run(main)
