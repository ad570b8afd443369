"""Amounts of dye on a slide: fibres, cytoplasm and gaps, then nuclei."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.phantom.anatomy import Anatomy
from pathgen.phantom.noise import F32, enlarge, smooth_noise, smooth_step
from pathgen.phantom.nuclei import (
    DIRECTIONS,
    FAT_DROP,
    LYMPHOCYTE,
    REACTIVE,
    SPINDLE,
    TUMOR,
    TUMOR_SMALL,
    Stamp,
    draw_bank,
    jittered_grid,
    put_stamps,
)
from pathgen.phantom.settings import PhantomSettings

_SHADES = 10


def _fibre_phase(rng: np.random.Generator, anatomy: Anatomy, mpp: float) -> F32:
    """Draw a phase map, rad; its contour lines are fibres."""
    shape = anatomy.tissue.shape
    um = anatomy.map_px * mpp
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) * np.float32(um)
    direction = rng.uniform(0, np.pi)
    wave = 2 * np.pi / 9.0  # one fibre per 9 um
    straight = (columns * np.cos(direction) + rows * np.sin(direction)) * wave
    bends = smooth_noise(rng, (shape[0], shape[1]), 90.0 / um) * 14.0
    return np.asarray(straight + bends, dtype=np.float32)


def _ground(
    rng: np.random.Generator, anatomy: Anatomy, phase: F32, shape: tuple[int, int], mpp: float
) -> tuple[F32, F32]:
    """Draw everything but nuclei; returns haematoxylin and eosin, float32 of `shape`."""
    step = float(anatomy.map_px)

    def wide(field: F32) -> F32:
        return np.asarray(np.clip(enlarge(field, shape, step), 0, 1))

    tissue, stroma = smooth_step(enlarge(anatomy.tissue, shape, step), 0.3, 0.7), wide(anatomy.stroma)
    nest, sinus, fat = wide(anatomy.nest), wide(anatomy.sinus), wide(anatomy.fat)
    fine = smooth_noise(rng, shape, 1.3 / mpp)
    coarse = smooth_noise(rng, shape, 6.0 / mpp)
    fibres = np.sin(enlarge(phase, shape, step) + coarse * np.float32(0.7))
    # Cytoplasm: lymphoid tissue has little, tumour cells have much and it takes up some haematoxylin.
    active = np.maximum(nest, wide(anatomy.reactive))
    eosin = 0.20 + 0.005 * active + 0.035 * fine + 0.045 * coarse
    eosin += stroma * (0.07 + 0.10 * fibres - 0.045 * coarse)
    net = np.exp(-np.square(coarse / np.float32(0.45)))
    eosin += sinus * (1 - stroma) * (0.20 * net - 0.16)
    eosin += fat * 0.15
    gaps = smooth_step(coarse + 0.25 * fine, 1.3, 1.8)
    present = tissue * (1 - 0.85 * gaps) * enlarge(anatomy.thickness, shape, step)
    eosin = np.maximum(eosin, 0.02) * present
    haematoxylin = (0.05 + 0.03 * active - 0.03 * stroma + 0.015 * fine) * present
    return np.maximum(haematoxylin, 0).astype(np.float32), eosin.astype(np.float32)


def _at(field: F32, points: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    cells = (points / step).astype(np.int64)
    return field[cells[:, 0], cells[:, 1]].astype(np.float64)


@dataclass(frozen=True)
class _Population:
    """Nuclei scattered over one kind of tissue."""

    spacing_um: float  # between neighbours at full density
    chance: F32  # probability of a nucleus, on the map
    main: list[Stamp]  # usual nuclei
    other: list[Stamp]  # unusual nuclei, same number
    other_share: float  # share of unusual nuclei
    direction: F32 | None = None  # of the long axis, rad, on the map; None for any


def _choose(
    rng: np.random.Generator,
    population: _Population,
    anatomy: Anatomy,
    points: NDArray[np.float64],
) -> list[Stamp]:
    """Choose a nucleus for each point by the darkness and the direction there."""
    shades, step = len(population.main) // DIRECTIONS, anatomy.map_px
    shade = 0.5 + 0.3 * _at(anatomy.shade, points, step)
    rank = np.clip(((shade + rng.normal(0, 0.18, len(shade))) * shades).astype(np.int64), 0, shades - 1)
    if population.direction is None:
        turn = rng.integers(0, DIRECTIONS, len(shade))
    else:
        spread = _at(population.direction, points, step) + rng.normal(0, 0.2, len(shade))
        turn = ((spread % np.pi) / np.pi * DIRECTIONS).astype(np.int64) % DIRECTIONS
    unusual = rng.random(len(shade)) < population.other_share
    return [
        (population.other if other else population.main)[number]
        for number, other in zip((turn * shades + rank).tolist(), unusual.tolist(), strict=True)
    ]


def _populations(
    rng: np.random.Generator, anatomy: Anatomy, along_fibre: F32, mpp: float, overlap: float
) -> list[_Population]:
    """Return the populations of nuclei, from bottom to top."""
    lesion, nest, stroma = anatomy.lesion, anatomy.nest, anatomy.stroma
    loose = np.maximum(anatomy.sinus, anatomy.fat)
    solid = anatomy.tissue * (1 - stroma) * (1 - 0.85 * loose)
    # Shares and spacings give both classes about the same amount of dye (tested).
    crowd = 0.70 + 0.20 * anatomy.density
    few = 0.25 * overlap
    healthy, sick = solid * (1 - lesion), nest * (1 - 0.9 * anatomy.inflamed)
    guests = nest * np.maximum(anatomy.inflamed, 0.4 * few)
    grade = rng.uniform(0.90, 1.08)  # size of this slide's tumour nuclei
    lymphocyte, spindle, reactive = (
        draw_bank(rng, kind, mpp, _SHADES, 1) for kind in (LYMPHOCYTE, SPINDLE, REACTIVE)
    )
    small, tumor = (draw_bank(rng, kind, mpp, _SHADES, grade) for kind in (TUMOR_SMALL, TUMOR))
    crowds = np.asarray(healthy * anatomy.reactive * 0.95, dtype=np.float32)
    fibrous = anatomy.tissue * np.maximum(0.55 * stroma, np.float32(0.03))
    scattered = 0.35 * anatomy.tissue * stroma * smooth_step(anatomy.density, 0.2, 1.2)
    fat = draw_bank(rng, FAT_DROP, mpp, 1, 1)
    return [
        _Population(38.0, anatomy.fat, fat, fat, 0.0),
        _Population(12.0, scattered, lymphocyte, lymphocyte, 0.0),
        _Population(13.0, fibrous, spindle, spindle, 0.0, along_fibre),
        _Population(14.0, crowds, reactive, reactive, 0.0),
        _Population(8.0, healthy * (1 - 0.85 * anatomy.reactive) * crowd, lymphocyte, reactive, few / 3),
        _Population(15.0, sick * (0.88 + 0.12 * anatomy.density), tumor, small, few),
        _Population(8.0, guests * crowd, lymphocyte, lymphocyte, 0.0),
    ]


def draw_dyes(rng: np.random.Generator, anatomy: Anatomy, settings: PhantomSettings) -> tuple[F32, F32]:
    """Draw the amounts of both dyes on a slide.

    Args:
        rng: Source of randomness.
        anatomy: Maps of the kinds of tissue.
        settings: Settings of the phantom.

    Returns:
        haematoxylin, eosin: float32 (height, width), 1 is the dye of a dark nucleus.
    """
    mpp, step = settings.mpp, anatomy.map_px
    shape = (settings.height_px, settings.width_px)
    phase = _fibre_phase(rng, anatomy, mpp)
    slopes = np.gradient(phase)
    along_fibre = np.asarray(np.arctan2(slopes[0], slopes[1]) + np.pi / 2, dtype=np.float32)
    ground = _ground(rng, anatomy, phase, shape, mpp)
    margin = int(np.ceil(32.0 / mpp))
    haematoxylin, eosin = (np.pad(field, margin) for field in ground)

    for each in _populations(rng, anatomy, along_fibre, mpp, settings.overlap):
        points = jittered_grid(rng, shape, each.spacing_um / mpp, 0.28)
        points = points[rng.random(len(points)) < _at(each.chance, points, step)]
        put_stamps(haematoxylin, eosin, margin, points, _choose(rng, each, anatomy, points))
    inside = (slice(margin, margin + shape[0]), slice(margin, margin + shape[1]))
    return haematoxylin[inside], eosin[inside]
