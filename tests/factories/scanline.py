"""Areas of outlines by scanning, without any geometry library: what the areas of annotations are held to."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

Ring = np.ndarray


@dataclass(frozen=True)
class Areas:
    lesions: float
    exclusions: float
    tumor: float


def read_rings(path: Path) -> dict[str, list[Ring]]:
    """Read the rings of an ASAP file by regular expressions, by group."""
    rings: dict[str, list[Ring]] = {"Tumor": [], "Exclusion": []}
    for group, body in re.findall(
        r'PartOfGroup="(\w+)" Color.*?>(.*?)</Annotation>', path.read_text(), re.DOTALL
    ):
        points = re.findall(r'X="(.*?)" Y="(.*?)"', body)
        rings[group].append(np.array([(float(x), float(y)) for x, y in points]))
    return rings


def _crossings(x_low: np.ndarray, x_high: np.ndarray, low: float, high: float) -> list[float]:
    """Return the heights at which lines that span a band swap places."""
    first, second = np.nonzero((x_low[:, None] < x_low) & (x_high[:, None] > x_high))
    before, after = x_low[second] - x_low[first], x_high[first] - x_high[second]
    return sorted({low + (high - low) * float(part) for part in before / (before + after)})


def areas(rings: dict[str, list[Ring]]) -> Areas:
    """Measure, between any two heights at which something happens, the widths half way up.

    A place belongs to a ring that winds around it (winding number not 0), to the lesions or exclusions
    when it belongs to one of their rings, and to the tumour when it is in a lesion and in no exclusion.
    """
    starts, ends, owners, is_lesion = [], [], [], []
    for group, of_group in rings.items():
        for ring in of_group:
            starts.append(ring)
            ends.append(np.roll(ring, -1, axis=0))
            owners.append(np.full(len(ring), len(owners)))
            is_lesion.append(group == "Tumor")
    start, end, owner = np.concatenate(starts), np.concatenate(ends), np.concatenate(owners)
    slanted = start[:, 1] != end[:, 1]
    start, end, owner = start[slanted], end[slanted], owner[slanted]
    sense = np.sign(end[:, 1] - start[:, 1]).astype(int)
    slope = (end[:, 0] - start[:, 0]) / (end[:, 1] - start[:, 1])
    bottom, top = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    lesion_ring = np.array(is_lesion)
    total = np.zeros(3)
    heights = np.unique(start[:, 1])
    order = np.argsort(bottom, kind="stable")
    first = np.searchsorted(bottom[order], heights, side="right")
    active = np.zeros(0, int)
    entered = 0
    for band, (low, high) in enumerate(pairwise(heights)):
        active = np.concatenate([active[top[active] > low], order[entered : first[band]]])
        entered = first[band]

        def x_at(height: float, edges: np.ndarray) -> np.ndarray:
            return start[edges, 0] + (height - start[edges, 1]) * slope[edges]

        cuts = [low, *_crossings(x_at(low, active), x_at(high, active), low, high), high]
        for lower, upper in pairwise(cuts):
            x = x_at((lower + upper) / 2, active)
            by_x = np.argsort(x, kind="stable")
            edges, x = active[by_x], x[by_x]
            winding = np.zeros((len(edges), len(lesion_ring)), int)
            winding[np.arange(len(edges)), owner[edges]] = sense[edges]
            around = np.cumsum(winding, axis=0)[:-1] != 0
            lesion = around[:, lesion_ring].any(axis=1)
            excluded = around[:, ~lesion_ring].any(axis=1)
            width = np.diff(x)
            total += (upper - lower) * np.array(
                [width[inside].sum() for inside in (lesion, excluded, lesion & ~excluded)]
            )
    return Areas(*total.tolist())


def ring_in_box(ring: Ring, left: float, top: float, right: float, bottom: float) -> float:
    """Return the signed area of a ring within a box: clip by one side after the other, then the shoelace.

    The clipped ring may run along the box's sides to and fro; that encloses nothing.

    Source: Sutherland & Hodgman 1974, Reentrant polygon clipping.
    """
    for axis, edge, sign in ((0, left, 1), (0, right, -1), (1, top, 1), (1, bottom, -1)):
        if len(ring) == 0:
            return 0.0
        ahead = np.roll(ring, -1, axis=0)
        inside = sign * (ring[:, axis] - edge) >= 0
        crosses = inside != np.roll(inside, -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = (edge - ring[:, axis]) / (ahead[:, axis] - ring[:, axis])
            cut = ring + (ahead - ring) * part[:, None]
        both = np.stack([ring, cut], axis=1).reshape(-1, 2)
        ring = both[np.stack([inside, crosses], axis=1).ravel()]
    x, y = ring[:, 0] - left, ring[:, 1] - top
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
