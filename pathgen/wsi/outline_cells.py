"""Divide a slide into cells: colour, texture, tissue, and what outlines cover or would cover."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate

from pathgen.core.optical_density import optical_density
from pathgen.wsi.reader import Overview
from pathgen.wsi.settings import TissueSettings
from pathgen.wsi.tissue import find_tissue

F32 = NDArray[np.float32]

#: Smallest number of cells inside, and outside, of outlines that are compared.
LEAST_CELLS = 5
#: Resolution of the overview of which cells are made, um/px.
CELL_OVERVIEW_MPP = 4.0
# Smallest side of a cell, and most cells along a slide.
_CELL_UM, _MOST_CELLS = 32.0, 256
# Slides of all studies are compared in the same way, whatever tissue their patches are cut from.
TISSUE = TissueSettings(
    method="otsu_saturation",
    thumbnail_mpp=2 * CELL_OVERVIEW_MPP,
    min_saturation=0.05,
    black_below=40,
    opening_um=0,
    closing_um=0,
    pen_min_width_um=None,
)
_DENSITY = optical_density(np.arange(256, dtype=np.uint8)).astype(np.float32)
# Areas are drawn in pixels of this part of a cell's side, since Pillow draws between whole pixels.
_FINER = 8
_LEVEL_FACTORS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True)
class OutlinedCells:
    """Cells of one slide and its outlines.

    Attributes:
        features: float32 (h, w, f), see `cell_features`.
        tissue_share: float32 (h, w), share of a cell that is tissue.
        lesions: Lesions without exclusions, level-0 px.
        cell_px: Width and height of a cell, level-0 px.
        mpp: Resolution of level 0, um/px.
        corner: Corner (x, y) of the slide's bounds, level-0 px.
        exhaustive: Whether all lesions are outlined.
    """

    features: F32
    tissue_share: F32
    lesions: MultiPolygon
    cell_px: tuple[float, float]
    mpp: float
    corner: tuple[int, int] = (0, 0)
    exhaustive: bool = True

    @property
    def tissue(self) -> NDArray[np.bool_]:
        """Cells that are mostly tissue."""
        return np.asarray(self.tissue_share >= 0.5)

    def covered(self, area: MultiPolygon | None = None, factor: float = 1.0) -> F32:
        """Return the share of each cell that an area covers.

        Args:
            area: Valid, level-0 px; the lesions if it is None.
            factor: Factor on all coordinates.

        Returns:
            float32 (h, w), in steps of 1/64.
        """
        rows, columns = self.tissue_share.shape
        image = Image.new("L", (columns * _FINER, rows * _FINER))
        pen, scale = ImageDraw.Draw(image), _FINER * factor / np.asarray(self.cell_px)
        parts = shapely.get_parts(self.lesions if area is None else area)
        # An island is drawn after the hole around it, which would erase it.
        for polygon in sorted(parts, key=lambda part: -Polygon(part.exterior).area):
            for number, ring in enumerate((polygon.exterior, *polygon.interiors)):
                points = np.asarray(ring.coords) * scale - 0.5
                pen.polygon([(x, y) for x, y in points.tolist()], fill=255 * (number == 0))
        return np.asarray(image.reduce(_FINER), dtype=np.float32) / np.float32(255)

    def transformations(self) -> Iterator[tuple[str, F32]]:
        """Yield the cells that the outlines cover: as they are, and by candidate transformations.

        Mirrored or turned; scaled, as if drawn on another level or in micrometres; moved by the bounds. A
        candidate covers at least `LEAST_CELLS`, and has at least half of its area on the slide: a single cell
        could lie on anything.

        Yields:
            Description, empty for the outlines as they are, and the share of each cell.
        """
        drawn = self.covered()
        yield "", drawn
        area = self.lesions.area / (self.cell_px[0] * self.cell_px[1])
        for name, factor, covered in self._candidates(drawn):
            if covered.sum() >= max(LEAST_CELLS, area * factor**2 / 2):
                yield name, covered

    def _candidates(self, drawn: F32) -> Iterator[tuple[str, float, F32]]:
        """Yield description, factor on all coordinates, and the share of each cell."""
        yield "mirrored left to right", 1, drawn[:, ::-1]
        yield "mirrored top to bottom", 1, drawn[::-1]
        yield "turned by 180 degrees", 1, drawn[::-1, ::-1]
        for factor in (*_LEVEL_FACTORS, self.mpp, 1 / self.mpp):
            yield f"scaled by {factor:.3g}", factor, self.covered(factor=factor)
        for sign in (1, -1) if any(self.corner) else ():
            x, y = (sign * side for side in self.corner)
            moved = translate(self.lesions, x, y)
            yield f"moved by ({x:+}, {y:+}) px (the slide's bounds)", 1, self.covered(moved)


def cell_features(image: NDArray[np.uint8], side: int) -> F32:
    """Compute colour and texture of square cells.

    Args:
        image: RGB, uint8 (H, W, 3).
        side: Side of a cell, px, even.

    Returns:
        float32 (H // side, W // side, 5): mean optical density of red, green and blue; logarithm of the mean
        absolute difference of neighbouring pixels' grey density, at this resolution and at half of it.
    """
    rows, columns = (length // side for length in image.shape[:2])
    found = np.empty((rows, columns, 5), np.float32)
    for row in range(rows):
        density = _DENSITY[image[row * side : (row + 1) * side, : columns * side]]  # (side, W, 3)
        found[row, :, :3] = density.reshape(side, columns, side, 3).mean(axis=(0, 2))
        grey = density.mean(axis=2).reshape(side, columns, side)
        half = grey.reshape(side // 2, 2, columns, side // 2, 2).mean(axis=(1, 4))
        for at, each in ((3, grey), (4, half)):
            steps = (np.abs(np.diff(each, axis=axis)).mean(axis=(0, 2)) for axis in (0, 2))
            found[row, :, at] = np.log(sum(steps) + 1e-3)
    return found


def outlined_cells(
    overview: Overview, lesions: MultiPolygon, mpp: float, corner: tuple[int, int], exhaustive: bool
) -> OutlinedCells | None:
    """Divide a slide into cells.

    Args:
        overview: The slide at `CELL_OVERVIEW_MPP`.
        lesions: Lesions without exclusions, level-0 px.
        mpp: Resolution of level 0, um/px.
        corner: Corner (x, y) of the slide's bounds, level-0 px.
        exhaustive: Whether all lesions are outlined.

    Returns:
        Square cells of `_CELL_UM`, larger on slides of more than `_MOST_CELLS` of them; what is left at the
        right and lower edge is in none. None for a slide smaller than two cells.
    """
    image, (across, down) = overview.image, overview.downsample
    pixel_um = mpp * (across + down) / 2
    side = 2 * max(1, round(_CELL_UM / pixel_um / 2), -(-max(image.shape) // (2 * _MOST_CELLS)))
    rows, columns = (length // side for length in image.shape[:2])
    if min(rows, columns) < 2:
        return None
    half = partial(Image.Image.reduce, factor=2)
    small = np.asarray(half(Image.fromarray(image)))
    coverage = np.asarray(half(Image.fromarray(overview.coverage.astype(np.uint8) * 255))) >= 128
    tissue = find_tissue(small, coverage, (2 * across, 2 * down), mpp, TISSUE).mask
    share = Image.fromarray(tissue.astype(np.float32)).resize(
        (columns, rows), Image.Resampling.BOX, (0, 0, columns * side / 2, rows * side / 2)
    )
    cell = (side * across, side * down)
    return OutlinedCells(
        cell_features(image, side), np.asarray(share), lesions, cell, mpp, corner, exhaustive
    )
