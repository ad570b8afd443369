"""Nuclei as small stamps of dye: they distinguish tumour from lymphoid tissue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.phantom.noise import F32, smooth_noise, smooth_step

DIRECTIONS = 12


@dataclass(frozen=True)
class Kind:
    """A kind of nucleus; values are uniform in their ranges (smallest, largest)."""

    diameter_um: tuple[float, float]  # mean of both axes
    elongation: tuple[float, float]  # ratio of long to short axis
    roughness: float  # irregularity of the outline, relative to the radius
    dye: tuple[float, float]  # amount of haematoxylin of the chromatin
    clearing: float  # emptiness of the inside of a vesicular nucleus, 0 (solid) to 1
    nucleoli: int  # largest number of nucleoli
    halo: float  # retraction of the cytoplasm around the nucleus, 0..1
    veil: float  # share of the eosin that shows through


LYMPHOCYTE = Kind((6.0, 8.0), (1.0, 1.3), 0.06, (0.50, 1.05), 0.15, 0, 0.65, 0.5)
SPINDLE = Kind((5.0, 6.5), (2.6, 4.5), 0.06, (0.45, 0.85), 0.15, 0, 0.15, 0.5)
REACTIVE = Kind((9.0, 12.5), (1.0, 1.5), 0.07, (0.35, 0.75), 0.45, 2, 0.30, 0.5)
TUMOR = Kind((10.0, 15.0), (1.0, 1.7), 0.11, (0.38, 0.92), 0.55, 3, 0.15, 0.5)
TUMOR_SMALL = Kind((7.5, 10.0), (1.0, 1.6), 0.11, (0.50, 1.0), 0.25, 1, 0.30, 0.5)
# Not a nucleus: the drop of fat that fills a fat cell, washed out in processing.
FAT_DROP = Kind((30.0, 37.0), (1.0, 1.2), 0.05, (0.0, 0.0), 0.0, 0, 0.0, 0.06)


@dataclass(frozen=True)
class Stamp:
    """Image of one nucleus.

    Attributes:
        ink: float32 (n, n), haematoxylin it adds.
        keep: float32 (n, n), share of the haematoxylin below that stays, 0..1.
        keep_eosin: Same for eosin; some of it shows through a nucleus.
        area_um2: Area of the nucleus, um^2.
    """

    ink: F32
    keep: F32
    keep_eosin: F32
    area_um2: float


def draw_bank(rng: np.random.Generator, kind: Kind, mpp: float, shades: int, scale: float) -> list[Stamp]:
    """Draw nuclei of a kind: `shades` in each of `DIRECTIONS` directions over half a turn.

    Args:
        rng: Source of randomness.
        kind: Kind of nucleus.
        mpp: Pixel size, um per px.
        shades: Number of shades, from the palest to the darkest.
        scale: Factor on the kind's diameters.

    Returns:
        Stamps; number ``direction * shades + shade``.
    """
    count = DIRECTIONS * shades
    number = np.arange(count).reshape(-1, 1, 1)  # stamp, row, column
    angle = (number // shades + 0.5) * (np.pi / DIRECTIONS)
    dye = kind.dye[0] + (number % shades + 0.5) / shades * (kind.dye[1] - kind.dye[0])
    radius = scale * rng.uniform(*kind.diameter_um, (count, 1, 1)) / 2  # um
    stretch = np.sqrt(rng.uniform(*kind.elongation, (count, 1, 1)))
    reach = float((radius * stretch).max()) * (1 + 3 * kind.roughness) + 1.5
    half = int(np.ceil(reach / mpp)) + 1
    y, x = np.mgrid[-half : half + 1, -half : half + 1][:, None] + rng.uniform(-0.5, 0.5, (2, count, 1, 1))
    along = (x * np.cos(angle) + y * np.sin(angle)) * (mpp / stretch)
    across = (y * np.cos(angle) - x * np.sin(angle)) * (mpp * stretch)
    outline = _wobble(rng, np.arctan2(across, along), kind.roughness)
    depth = (radius - np.hypot(along, across) / outline).astype(np.float32)  # um inside the outline
    cover = smooth_step(depth, -0.4, 0.4)
    size = 2 * half + 1
    mottling = smooth_noise(rng, (count * size, size), max(1.5 / mpp, 1.0)).reshape(count, size, size)
    density = (1 + 0.20 * mottling) * (1 - kind.clearing * smooth_step(depth, 0.5, 1.8))
    for _ in range(kind.nucleoli):
        there = rng.random((count, 1, 1)) < 0.5
        place_along, place_across = rng.uniform(-0.45, 0.45, (2, count, 1, 1)) * radius
        width = rng.uniform(0.7, 1.2, (count, 1, 1))
        spot = np.exp(-((along - place_along) ** 2 + (across - place_across) ** 2) / width**2)
        density += 0.7 * spot * there
    halo = kind.halo * smooth_step(depth, -1.5, -0.3)
    displaced = np.where(depth < 0, halo, np.maximum(halo * (1 - cover), (1 - kind.veil) * cover))
    ink = (dye * density * cover).astype(np.float32)
    keep = (1 - np.maximum(cover, halo)).astype(np.float32)
    keep_eosin = (1 - displaced).astype(np.float32)
    areas = cover.sum(axis=(1, 2)) * mpp**2
    return [Stamp(ink[i], keep[i], keep_eosin[i], float(areas[i])) for i in range(count)]


def _wobble(rng: np.random.Generator, angles: NDArray[np.float64], roughness: float) -> NDArray[np.float64]:
    """Draw one outline per stamp, as relative radius in the direction of each pixel."""
    sizes = rng.standard_normal((4, len(angles), 1, 1)) * roughness / 1.2
    phases = rng.uniform(0.0, 2 * np.pi, (4, len(angles), 1, 1))
    waviness = np.zeros_like(angles)
    for order in range(2, 6):
        waviness += np.cos(angles * order + phases[order - 2]) * sizes[order - 2] * (2.0 / order)
    return np.asarray(np.maximum(1.0 + waviness, 0.5))


def jittered_grid(
    rng: np.random.Generator, shape: tuple[int, int], spacing_px: float, jitter: float
) -> NDArray[np.float64]:
    """Scatter points evenly: a brick pattern, each point moved at random.

    Args:
        rng: Source of randomness.
        shape: Rows and columns of the area, px.
        spacing_px: Distance of neighbours in the pattern, px.
        jitter: Largest displacement, relative to the spacing.

    Returns:
        float64 (N, 2), row and column, inside the area, in random order.
    """
    row_step = spacing_px * np.sqrt(3) / 2
    rows, columns = int(shape[0] / row_step) + 1, int(shape[1] / spacing_px) + 1
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    x += 0.5 * (y % 2)
    points = np.stack([y * row_step, x * spacing_px], axis=-1).reshape(-1, 2)
    points += rng.uniform(-jitter, jitter, points.shape) * spacing_px
    inside = ((points >= 0) & (points < np.array(shape))).all(axis=1)
    return np.asarray(rng.permutation(points[inside]))


def put_stamps(
    haematoxylin: F32, eosin: F32, margin: int, points: NDArray[np.float64], stamps: Sequence[Stamp]
) -> None:
    """Add nuclei to a slide in place, later ones over earlier ones.

    Args:
        haematoxylin: float32 (H + 2 margin, W + 2 margin).
        eosin: Same for eosin; a nucleus displaces most of it.
        margin: Border on each side, px; at least half the largest stamp.
        points: float64 (N, 2), row and column without the border.
        stamps: Nucleus of each point.
    """
    corners = np.rint(points).astype(np.int64) + margin
    for (row, column), stamp in zip(corners.tolist(), stamps, strict=True):
        size = stamp.ink.shape[0]
        top, left = row - size // 2, column - size // 2
        here = (slice(top, top + size), slice(left, left + size))
        below = haematoxylin[here]
        below *= stamp.keep
        below += stamp.ink
        eosin[here] *= stamp.keep_eosin
