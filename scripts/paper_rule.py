"""Plot how the published label rule treats small lesions: docs/img/paper_rule.png.

The rule labels a patch tumor if the lesion touches one pixel of a mask at level 6. The figure shows two
simulated lesions with the labels of their patches and, by lesion size, the proportion of tumor patches that
are less than half tumor: for simulated lesions and, with --annotations, for those of ASAP files.
"""

from pathlib import Path
from typing import Any

import numpy as np
import shapely
import typer
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from pathgen.core.seeding import numpy_generator
from pathgen.wsi.annotations import read_annotations
from pathgen.wsi.area_fractions import area_fractions, touches_area
from pathgen.wsi.geometry import grid_positions

PATCH_PX = 256
MASK_CELL_PX = 64
MPP = 0.243  # one of Camelyon16's two scanners
LESIONS_PER_SIZE = 120
DIAMETERS_MM = np.geomspace(0.06, 5, 16)
SHOWN_MM = (0.2, 1.0)
# Distinguishable by lightness alone.
MOSTLY, HARDLY, FREE = "#7b1e57", "#f2b84b", "#f4f1ee"


def simulate_lesion(rng: np.random.Generator, diameter_mm: float) -> MultiPolygon:
    """Simulate an outline of this area: a circle with waves, longer ones higher, anywhere on the grid."""
    angle, waves = np.linspace(0, 2 * np.pi, 400, endpoint=False), np.arange(2, 30)
    height = rng.normal(size=(2, len(waves))) / waves**1.3 * 0.16
    radius = 1 + height[0] @ np.cos(np.outer(waves, angle)) + height[1] @ np.sin(np.outer(waves, angle))
    radius = np.clip(radius, 0.2, None)
    ring = Polygon(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))
    diameter_px = diameter_mm * 1000 / MPP
    scale = diameter_px / 2 * np.sqrt(np.pi / ring.area)
    shift = rng.uniform(0, PATCH_PX, 2) + diameter_px * 2
    return MultiPolygon([shapely.transform(ring, lambda points: points * scale + shift)])


def label_patches(lesion: MultiPolygon) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return positions of the patches around a lesion, tumor fractions, and whether the rule says tumor."""
    low = (np.array(lesion.bounds[:2]) // PATCH_PX).astype(np.int64) * PATCH_PX - PATCH_PX
    width, height = (int(length) + 2 * PATCH_PX for length in np.array(lesion.bounds[2:]) - low)
    positions = grid_positions(width, height, PATCH_PX, PATCH_PX) + low
    return (
        positions,
        area_fractions(positions, PATCH_PX, lesion),
        touches_area(positions, PATCH_PX, lesion, MASK_CELL_PX),
    )


def proportion_below_half(lesion: MultiPolygon) -> float:
    """Return the proportion of the rule's tumor patches that are less than half tumor."""
    _, fractions, tumor = label_patches(lesion)
    return float(np.mean(fractions[tumor] < 0.5))


def size_mm(lesion: MultiPolygon) -> float:
    """Return the diameter of a circle of the lesion's area."""
    return float(2 * np.sqrt(lesion.area / np.pi) * MPP / 1000)


def plot_lesion(axes: Any, diameter_mm: float) -> None:
    """Plot one simulated lesion with the labels of its patches."""
    lesion = simulate_lesion(numpy_generator(3, "shown"), diameter_mm)
    positions, fractions, tumor = label_patches(lesion)
    hardly = tumor & (fractions < 0.5)
    boxes = [Rectangle((x, y), PATCH_PX, PATCH_PX) for x, y in positions.tolist()]
    faces = np.select([hardly, tumor], [HARDLY, MOSTLY], FREE).tolist()
    axes.add_collection(PatchCollection(boxes, facecolor=faces, edgecolor="white", linewidth=0.6))
    axes.plot(*lesion.geoms[0].exterior.xy, color="black", linewidth=1.4)
    low, high = positions.min(axis=0), positions.max(axis=0) + PATCH_PX
    axes.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal", xticks=[], yticks=[])
    counts = f"{tumor.sum()} tumor patches,\n{hardly.sum()} of them less than half tumor"
    axes.set_title(f"lesion of {diameter_mm:g} mm: {counts}", fontsize=9)


def plot_proportions(axes: Any, annotations: Path | None) -> None:
    """Plot the proportion against lesion size; print it for the lesions shown."""
    rng = numpy_generator(3, "sizes")
    simulated = ((simulate_lesion(rng, size) for _ in range(LESIONS_PER_SIZE)) for size in DIAMETERS_MM)
    shares = np.array([[proportion_below_half(lesion) for lesion in lesions] for lesions in simulated])
    low, high = np.quantile(shares, (0.1, 0.9), axis=1)
    band = {"color": MOSTLY, "alpha": 0.2, "linewidth": 0, "label": "80 % of simulated lesions"}
    axes.fill_between(DIAMETERS_MM, low, high, **band)
    axes.plot(DIAMETERS_MM, shares.mean(axis=1), color=MOSTLY, label="mean of simulated lesions")
    for size in SHOWN_MM:
        print(f"{size} mm: {np.interp(np.log(size), np.log(DIAMETERS_MM), shares.mean(axis=1)):.2f}")
    if annotations is not None:
        files = sorted(annotations.glob("*.xml"))
        lesions = [MultiPolygon([one]) for file in files for one in read_annotations(file).tumor().geoms]
        lesions = [one for one in lesions if size_mm(one) >= DIAMETERS_MM[0]]
        label, sizes = f"{len(lesions)} annotated lesions", [*map(size_mm, lesions)]
        heights = [*map(proportion_below_half, lesions)]
        axes.plot(sizes, heights, "o", markersize=3.5, color="black", alpha=0.55, label=label)
    axes.set(xscale="log", ylim=(0, 1.02), xlabel="diameter of a circle of the lesion's area, mm")
    axes.set_xticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
    axes.set_xlim(DIAMETERS_MM[0], DIAMETERS_MM[-1])
    axes.set_title("proportion of tumor patches that are less than half tumor", fontsize=9)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, frameon=False)


def main(out: Path = Path("docs/img/paper_rule.png"), annotations: Path | None = None) -> None:
    """Write the figure; the lesions of a folder of ASAP files are shown as dots."""
    figure = Figure(figsize=(11, 3.9), layout="constrained", dpi=100)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.5))
    for axes, diameter in zip((left, middle), SHOWN_MM, strict=True):
        plot_lesion(axes, diameter)
    plot_proportions(right, annotations)
    keys = [Rectangle((0, 0), 1, 1, facecolor=face) for face in (MOSTLY, HARDLY)]
    labels = ["tumor, at least half of the area", "tumor by the published rule only"]
    figure.legend(keys, labels, loc="outside lower left", ncols=2, fontsize=9, frameon=False)
    figure.savefig(out, format="png", metadata={"Software": None})


if __name__ == "__main__":
    typer.run(main)
