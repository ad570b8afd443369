"""Draw what the published label rule does to small lesions: docs/img/paper_rule.png.

The rule calls a patch tumor when the lesion touches one pixel of a mask at level 6. Shown are two drawn
lesions with the labels of their patches, and, by the lesion's size, the share of those tumor patches that are
less than half tumor: for drawn lesions and, with --annotations, for the lesions of real ASAP files.
"""

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from PIL import Image
from shapely import MultiPolygon, Polygon

from pathgen.core.files import atomic_path
from pathgen.core.seeding import numpy_generator
from pathgen.wsi.annotations import read_annotations
from pathgen.wsi.geometry import grid_positions
from pathgen.wsi.labelling import area_fractions, touches_area

PATCH_PX = 256
MASK_CELL_PX = 64
MPP = 0.243  # one of Camelyon16's two scanners
LESIONS_PER_SIZE = 120
DIAMETERS_MM = np.geomspace(0.06, 5, 16)
SHOWN_MM = (0.2, 1.0)
# Told apart without colour too: by lightness.
MOSTLY, HARDLY, FREE = "#7b1e57", "#f2b84b", "#f4f1ee"


def outline(rng: np.random.Generator, diameter_px: float) -> Polygon:
    """Draw a lesion as a hand would: a circle with waves of all lengths, the longer the higher."""
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    waves = np.arange(2, 30)
    height = rng.normal(size=(2, len(waves))) / waves**1.3 * 0.16
    reach = 1 + height[0] @ np.cos(np.outer(waves, turn)) + height[1] @ np.sin(np.outer(waves, turn))
    reach = np.clip(reach, 0.2, None)
    ring = Polygon(np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=1))
    # Of the asked area exactly, anywhere on the grid.
    scale = diameter_px / 2 * np.sqrt(np.pi / ring.area)
    shift = rng.uniform(0, PATCH_PX, 2) + diameter_px * 2
    moved: Polygon = shapely.transform(ring, lambda points: points * scale + shift)
    return moved


def squares_of(lesion: MultiPolygon) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return the grid squares around a lesion, how much of each is lesion, and which the rule calls tumor."""
    low = (np.array(lesion.bounds[:2]) // PATCH_PX).astype(np.int64) * PATCH_PX - PATCH_PX
    extent = np.array(lesion.bounds[2:]) - low
    width, height = (int(length) + 2 * PATCH_PX for length in extent)
    positions = grid_positions(width, height, PATCH_PX, PATCH_PX) + low
    fractions = area_fractions(positions, PATCH_PX, lesion)
    return positions, fractions, touches_area(positions, PATCH_PX, lesion, MASK_CELL_PX)


def share_of_hardly(lesion: MultiPolygon) -> float:
    """Return which part of the patches that the rule calls tumor is less than half tumor."""
    _, fractions, touched = squares_of(lesion)
    return float(np.mean(fractions[touched] < 0.5))


def draw_lesion(axes: Any, diameter_mm: float) -> None:
    """Draw one lesion with the labels of its patches."""
    lesion = MultiPolygon([outline(numpy_generator(3, "shown"), diameter_mm * 1000 / MPP)])
    positions, fractions, touched = squares_of(lesion)
    for face, chosen in (
        (FREE, ~touched),
        (HARDLY, touched & (fractions < 0.5)),
        (MOSTLY, touched & (fractions >= 0.5)),
    ):
        boxes = [Rectangle((x, y), PATCH_PX, PATCH_PX) for x, y in positions[chosen].tolist()]
        axes.add_collection(PatchCollection(boxes, facecolor=face, edgecolor="white", linewidth=0.6))
    axes.plot(*lesion.geoms[0].exterior.xy, color="black", linewidth=1.4)
    low, high = positions.min(axis=0), positions.max(axis=0) + PATCH_PX
    axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal", xticks=[], yticks=[])
    tumor, hardly = int(touched.sum()), int((touched & (fractions < 0.5)).sum())
    axes.set_title(
        f"lesion of {diameter_mm:g} mm: {tumor} tumor patches,\n{hardly} of them less than half tumor",
        fontsize=9,
    )


def draw_shares(axes: Any, annotations: Path | None) -> None:
    """Draw the share against the lesion's size."""
    rng = numpy_generator(3, "sizes")
    shares = np.array(
        [
            [
                share_of_hardly(MultiPolygon([outline(rng, size * 1000 / MPP)]))
                for _ in range(LESIONS_PER_SIZE)
            ]
            for size in DIAMETERS_MM
        ]
    )
    low, high = np.quantile(shares, (0.1, 0.9), axis=1)
    axes.fill_between(
        DIAMETERS_MM, low, high, color=MOSTLY, alpha=0.2, linewidth=0, label="drawn lesions, 80 % of them"
    )
    axes.plot(DIAMETERS_MM, shares.mean(axis=1), color=MOSTLY, label="drawn lesions, mean")
    for size in SHOWN_MM:
        print(f"{size} mm: {np.interp(np.log(size), np.log(DIAMETERS_MM), shares.mean(axis=1)):.2f}")
    if annotations is not None:
        lesions = [
            one for file in sorted(annotations.glob("*.xml")) for one in read_annotations(file).tumor().geoms
        ]
        area = np.pi * (DIAMETERS_MM[0] * 500 / MPP) ** 2
        lesions = [one for one in lesions if one.area >= area]
        sizes = [2 * np.sqrt(one.area / np.pi) * MPP / 1000 for one in lesions]
        found = [share_of_hardly(MultiPolygon([one])) for one in lesions]
        axes.plot(
            sizes,
            found,
            "o",
            markersize=3.5,
            color="black",
            alpha=0.55,
            label=f"{len(lesions)} outlines of Camelyon16",
        )
    axes.set(xscale="log", ylim=(0, 1.02), xlabel="diameter of a circle of the lesion's area, mm")
    axes.set_xticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
    axes.set_xlim(DIAMETERS_MM[0], DIAMETERS_MM[-1])
    axes.set_title("tumor patches that are less than half tumor, share", fontsize=9)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, frameon=False)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=Path("docs/img/paper_rule.png"))
    parser.add_argument(
        "--annotations", type=Path, help="folder of ASAP files whose lesions are shown as dots"
    )
    wanted = parser.parse_args()
    figure = Figure(figsize=(11, 3.9), layout="constrained", dpi=100)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.5))
    for axes, diameter in zip((left, middle), SHOWN_MM, strict=True):
        draw_lesion(axes, diameter)
    draw_shares(right, wanted.annotations)
    keys = [Rectangle((0, 0), 1, 1, facecolor=face) for face in (MOSTLY, HARDLY)]
    told = ["tumor, half or more of it is", "tumor by the published rule only"]
    figure.legend(keys, told, loc="outside lower left", ncols=2, fontsize=9, frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    with atomic_path(wanted.out) as draft:
        # A few dozen colours are all there are.
        Image.open(stream).convert("RGB").quantize(64).save(draft, "png", optimize=True)


if __name__ == "__main__":
    main()
