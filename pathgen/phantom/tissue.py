"""Amounts of dye on a slide: fibres, cytoplasm and gaps, then the nuclei of every kind of tissue."""

import numpy as np
from numpy.typing import NDArray

from pathgen.phantom.anatomy import Anatomy
from pathgen.phantom.noise import F32, enlarge, smooth_noise, smooth_step
from pathgen.phantom.nuclei import (
    DIRECTIONS,
    LYMPHOCYTE,
    REACTIVE,
    SPINDLE,
    TUMOR,
    TUMOR_SMALL,
    Kind,
    Stamp,
    draw_bank,
    jittered_grid,
    put_stamps,
)

_BANK = 24 * DIRECTIONS


def _fibre_phase(rng: np.random.Generator, anatomy: Anatomy, mpp: float) -> F32:
    """Draw a field on the map whose contour lines are fibres; rad."""
    shape = anatomy.tissue.shape
    um = anatomy.map_px * mpp
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) * np.float32(um)
    direction = rng.uniform(0, np.pi)
    wave = 2 * np.pi / 9.0  # one fibre per 9 um
    straight = (columns * np.cos(direction) + rows * np.sin(direction)) * wave
    bends = smooth_noise(rng, (shape[0], shape[1]), 90.0 / um) * 14.0
    return (straight + bends).astype(np.float32)


def _ground(
    rng: np.random.Generator, anatomy: Anatomy, phase: F32, shape: tuple[int, int], mpp: float
) -> tuple[F32, F32]:
    """Draw everything but nuclei; returns haematoxylin and eosin, float32 of `shape`."""
    step = float(anatomy.map_px)

    def wide(field: F32) -> F32:
        return np.asarray(np.clip(enlarge(field, shape, step), 0, 1))

    tissue, stroma = wide(anatomy.tissue), wide(anatomy.stroma)
    nest, sinus, fat = wide(anatomy.nest), wide(anatomy.sinus), wide(anatomy.fat)
    fine = smooth_noise(rng, shape, 1.3 / mpp)
    coarse = smooth_noise(rng, shape, 6.0 / mpp)
    fibres = np.sin(enlarge(phase, shape, step) + coarse * np.float32(0.7))
    # Cytoplasm: lymphoid tissue has little, tumour cells have much and it takes up some haematoxylin.
    eosin = 0.24 + 0.05 * nest + 0.035 * fine + 0.05 * coarse
    eosin += stroma * (0.12 + 0.13 * fibres - 0.05 * coarse)
    net = np.exp(-np.square(coarse / np.float32(0.45)))
    eosin += sinus * (1 - stroma) * (0.22 * net - 0.19)
    eosin += fat * (0.5 * np.exp(-np.square(coarse / np.float32(0.12))) - 0.22)
    gaps = smooth_step(coarse + 0.5 * fine, 1.35, 1.9)
    present = tissue * (1 - 0.85 * gaps)
    eosin = np.maximum(eosin, 0.02) * present
    haematoxylin = (0.05 + 0.06 * nest - 0.03 * stroma + 0.015 * fine) * present
    return np.maximum(haematoxylin, 0).astype(np.float32), eosin.astype(np.float32)


def _at(field: F32, points: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    cells = (points / step).astype(np.int64)
    return field[cells[:, 0], cells[:, 1]].astype(np.float64)


def _choose(
    rng: np.random.Generator,
    bank: list[Stamp],
    shade: NDArray[np.float64],
    direction: NDArray[np.float64] | None = None,
) -> list[Stamp]:
    """Pick a nucleus for each point: by darkness 0..1 and, where given, by direction (rad)."""
    shades = len(bank) // DIRECTIONS
    rank = np.clip(((shade + rng.normal(0, 0.15, len(shade))) * shades).astype(np.int64), 0, shades - 1)
    if direction is None:
        turn = rng.integers(0, DIRECTIONS, len(shade))
    else:
        spread = direction + rng.normal(0, 0.2, len(shade))
        turn = ((spread % np.pi) / np.pi * DIRECTIONS).astype(np.int64) % DIRECTIONS
    return [bank[number] for number in (turn * shades + rank).tolist()]


def draw_dyes(
    rng: np.random.Generator, anatomy: Anatomy, width: int, height: int, mpp: float, overlap: float
) -> tuple[F32, F32]:
    """Draw the amounts of both dyes on a slide.

    Args:
        rng: Source of randomness.
        anatomy: Which kind of tissue is where.
        width: Width of the slide, px.
        height: Height of the slide, px.
        mpp: Pixel size, um per px.
        overlap: How far the classes borrow each other's look, 0..1.

    Returns:
        haematoxylin, eosin: float32 (height, width), 1 is the dye of a dark nucleus.
    """
    shape, step = (height, width), anatomy.map_px
    phase = _fibre_phase(rng, anatomy, mpp)
    slopes = np.gradient(phase)
    along_fibre = (np.arctan2(slopes[0], slopes[1]) + np.pi / 2).astype(np.float32)
    ground = _ground(rng, anatomy, phase, shape, mpp)
    margin = int(np.ceil(24.0 / mpp))
    haematoxylin, eosin = (np.pad(field, margin) for field in ground)

    lesion, nest, stroma = anatomy.lesion, anatomy.nest, anatomy.stroma
    loose = np.maximum(anatomy.sinus, anatomy.fat)
    solid = anatomy.tissue * (1 - stroma) * (1 - 0.85 * loose)
    crowd = 0.72 + 0.22 * anatomy.density  # how much of the lattice is filled
    immune = 0.10 + 0.25 * overlap
    guests = smooth_step(anatomy.density, 0.8, 1.6) * immune  # lymphocytes among tumour cells
    populations: list[tuple[Kind, float, F32, bool]] = [
        (SPINDLE, 13.0, 0.55 * anatomy.tissue * np.maximum(stroma, 0.05 * (1 - lesion)), True),
        (LYMPHOCYTE, 12.0, 0.35 * anatomy.tissue * stroma * smooth_step(anatomy.density, 0.2, 1.2), False),
        (REACTIVE, 10.5, solid * (1 - lesion) * (0.85 * anatomy.follicle + 0.06 * overlap), False),
        (LYMPHOCYTE, 7.4, solid * (1 - lesion) * (1 - 0.8 * anatomy.follicle) * crowd, False),
        (TUMOR_SMALL, 9.0, 0.5 * overlap * nest, False),
        (TUMOR, 11.5, nest * (0.86 + 0.1 * anatomy.density), False),
        (LYMPHOCYTE, 8.0, nest * guests, False),
    ]
    for kind, spacing_um, chance, follows in populations:
        bank = draw_bank(rng, kind, mpp, _BANK)
        points = jittered_grid(rng, shape, spacing_um / mpp, 0.22)
        points = points[rng.random(len(points)) < _at(chance, points, step)]
        shade = 0.5 + 0.3 * _at(anatomy.shade, points, step)
        direction = _at(along_fibre, points, step) if follows else None
        put_stamps(haematoxylin, eosin, margin, points, _choose(rng, bank, shade, direction))
    inside = (slice(margin, margin + height), slice(margin, margin + width))
    return haematoxylin[inside], eosin[inside]
