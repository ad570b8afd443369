"""Cells that outlines cover, as they are and after candidate transformations."""

import re

import numpy as np
import pytest
from shapely import MultiPolygon, Polygon, box

from pathgen.wsi.outline_cells import LEAST_CELLS, OutlinedCells
from pathgen.wsi.outline_fit import off_tissue

CELL_PX = 64


def _box(start: float, end: float) -> Polygon:
    """Return a square from a cell to another one on the diagonal."""
    return box(*(CELL_PX * start, CELL_PX * start, CELL_PX * end, CELL_PX * end))


def _slide(lesions: list[Polygon], tissue: tuple[int, int] = (0, 32)) -> OutlinedCells:
    """Return a slide of 32 x 32 cells with a square of tissue."""
    share = np.zeros((32, 32), np.float32)
    share[slice(*tissue), slice(*tissue)] = 1
    features = np.zeros((32, 32, 5), np.float32)
    return OutlinedCells(features, share, MultiPolygon(lesions), (CELL_PX, CELL_PX), 0.25)


@pytest.mark.parametrize("island_first", [True, False])
def test_island_in_a_hole_is_covered(island_first: bool) -> None:
    ring, island = _box(1, 31).difference(_box(2, 30)), _box(4, 28)  # the ring has less area than the island
    covered = _slide([island, ring] if island_first else [ring, island]).covered()
    # Lines are a pixel of an eighth of a cell wide.
    assert covered[16, 16] == 1 and covered[1, 1] > 0.9
    assert covered[0, 0] < 0.1 and covered[2, 2] < 0.3
    assert covered.sum() == pytest.approx(30**2 - 28**2 + 24**2, rel=0.05)


def test_candidates_cover_cells_and_lie_on_the_slide() -> None:
    found = {name: covered.sum() for name, covered in _slide([_box(1.8, 8)]).transformations()}
    # Scaled by 1/4 the lesion covers 2.4 cells; scaled by 8 it is mostly beyond the edges.
    assert [name for name in found if name.startswith("scaled")] == [
        "scaled by 0.5",
        "scaled by 2",
        "scaled by 4",
    ]
    assert min(found.values()) >= LEAST_CELLS


@pytest.mark.parametrize(
    ("lesion", "tissue"),
    [(_box(8, 24), (0, 2)), (_box(1.8, 8), (28, 32))],
    ids=["scaled by 1/16, one cell is on the tissue", "scaled by 16, ten of 10,000 cells are on the slide"],
)
def test_a_few_cells_on_tissue_are_no_fit(lesion: Polygon, tissue: tuple[int, int]) -> None:
    assert off_tissue(_slide([lesion], tissue)) is None


def test_outlines_on_another_level_are_off_tissue() -> None:
    said = r"only 0% of the outlined area is on tissue \(scaled by 8, (9\d|100)% of it would be\)"
    assert re.fullmatch(said, off_tissue(_slide([_box(1, 3)], (8, 24))) or "")
