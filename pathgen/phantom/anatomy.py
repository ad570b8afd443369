"""Spatial layout of a slide: tissue, lesions, and kinds of tissue."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from pathgen.core.errors import PathgenError
from pathgen.phantom.noise import F32, smooth_noise, smooth_step
from pathgen.phantom.settings import PhantomSettings

_MAP_UM = 4.0
_EDGE_UM = 24.0
_SMALLEST_LESION_UM = 20.0


@dataclass(frozen=True)
class Outlines:
    """Outlines on one slide, level-0 px.

    Attributes:
        tissue: Pieces of tissue.
        lesions: Tumour, each inside a piece of tissue.
        exclusions: Normal tissue enclosed by a lesion.
    """

    tissue: list[Polygon]
    lesions: list[Polygon]
    exclusions: list[Polygon]


@dataclass(frozen=True)
class Anatomy:
    """Kinds of tissue on a coarse map, one value per `map_px` pixels, each in 0..1.

    Attributes:
        map_px: Pixels of level 0 per value.
        tissue: Share of tissue.
        lesion: Share of lesion without exclusions.
        nest: Sheets of tumour cells inside the lesion; the rest of it is its stroma.
        stroma: Fibrous tissue: capsule, strands, and the stroma of a lesion.
        sinus: Loose, pale tissue.
        fat: Fat cells.
        reactive: Normal tissue with large nuclei: germinal centres, crowds of macrophages.
        inflamed: Lesion infiltrated by lymphocytes.
        density: Density of cells.
        shade: Darkness of nuclei.
        thickness: Thickness of the section, as a factor on both dyes.
    """

    map_px: int
    tissue: F32
    lesion: F32
    nest: F32
    stroma: F32
    sinus: F32
    fat: F32
    reactive: F32
    inflamed: F32
    density: F32
    shade: F32
    thickness: F32


def _blob(
    rng: np.random.Generator, centre: NDArray[np.float64], radius_px: float, roughness: float, vertices: int
) -> Polygon:
    """Draw a stretched circle whose radius varies by harmonics, with the relative spread `roughness`."""
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    stretch = np.exp(rng.normal(0, 0.15))
    orders = np.arange(2, 11)  # waves per turn
    sizes = rng.standard_normal(len(orders)) / orders
    sizes *= roughness * np.sqrt(2.0) / np.sqrt(np.sum(1.0 / orders**2.0))
    phases = rng.uniform(0.0, 2 * np.pi, len(orders))
    waviness = np.cos(angles[..., None] * orders + phases) @ sizes
    radius = radius_px * np.maximum(1.0 + waviness, 0.3)
    ring = np.stack([radius * np.cos(angles) * stretch, radius * np.sin(angles) / stretch], axis=-1)
    return Polygon(centre + ring).buffer(0)


def _largest(shape: shapely.Geometry) -> Polygon:
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, Polygon)]
    return max(parts, key=lambda part: part.area, default=Polygon())


def _draw_tissue(rng: np.random.Generator, width: int, height: int, share: float) -> list[Polygon]:
    """Draw one or two pieces of tissue with irregular outlines, inside the slide."""
    frame = shapely.box(0, 0, width, height).buffer(-0.02 * min(width, height))
    pieces = []
    centres = [(0.5, 0.5)] if rng.random() < 0.5 else [(0.32, 0.36), (0.68, 0.66)]
    for x, y in centres:
        centre = np.array([x * width, y * height]) + rng.uniform(-0.03, 0.03, 2) * min(width, height)
        radius = float(np.sqrt(share * width * height / len(centres) / np.pi))
        pieces.append(_blob(rng, centre, radius, 0.14, 240).intersection(frame))
    merged = shapely.union_all(pieces)
    return [Polygon(part.exterior) for part in shapely.get_parts(merged) if isinstance(part, Polygon)]


def draw_outlines(rng: np.random.Generator, settings: PhantomSettings, has_lesion: bool) -> Outlines:
    """Draw all outlines of one slide.

    Args:
        rng: Source of randomness.
        settings: Settings of the phantom.
        has_lesion: Whether the slide has tumour.

    Returns:
        The outlines, vertices on whole pixels.

    Raises:
        PathgenError: The slide is too small for a lesion.
    """
    width, height, mpp = settings.width_px, settings.height_px, settings.mpp
    tissue = _draw_tissue(rng, width, height, settings.tissue_share)
    if not has_lesion:
        return Outlines(tissue, [], [])
    wanted = settings.lesion_share * sum(piece.area for piece in tissue)
    room: BaseGeometry = shapely.union_all(tissue).buffer(-2.0 / mpp)
    taken: BaseGeometry = Polygon()
    for trial in range(60):
        missing = wanted - taken.area
        if missing < 0.08 * wanted:
            break
        # A few large lesions first, then smaller ones.
        radius = float(np.sqrt(missing * rng.uniform(0.5, 1.0) / np.pi)) * 0.97**trial
        left, top, right, bottom = room.bounds
        centre = rng.uniform((left, top), (right, bottom))
        if not room.contains(shapely.Point(centre)):
            continue
        taken = taken.union(_blob(rng, centre, radius, 0.2, 160).intersection(room))
    lesions, exclusions = [], []
    for part in shapely.get_parts(taken):
        # Enclosed tissue becomes part of the lesion: an outline has no holes.
        outer = _largest(Polygon(part.exterior).intersection(room))
        lesion = _on_whole_pixels(outer.simplify(0.5 / mpp))
        if lesion.area * mpp**2 >= _SMALLEST_LESION_UM**2:
            lesions.append(lesion)
            exclusions += _draw_exclusion(rng, lesion, mpp)
    if not lesions:
        raise PathgenError(
            f"a lesion_share of {settings.lesion_share} on {width} x {height} px of {mpp} um",
            f"has no space for a lesion of {_SMALLEST_LESION_UM:g} um",
            "Raise lesion_share, width_px or height_px in params.yaml: cohort.phantom",
        )
    return Outlines(tissue, lesions, exclusions)


def _on_whole_pixels(polygon: BaseGeometry) -> Polygon:
    return _largest(shapely.transform(polygon, np.rint).buffer(0))


def _draw_exclusion(rng: np.random.Generator, lesion: Polygon, mpp: float) -> list[Polygon]:
    """Draw the enclosed tissue of a lesion, one piece in a large one, none in a small one."""
    side = np.sqrt(lesion.area)
    inner = lesion.buffer(-20.0 / mpp)
    if side * mpp < 300 or inner.is_empty:
        return []
    spot = np.asarray(inner.representative_point().coords)[0]
    hole = _on_whole_pixels(_largest(_blob(rng, spot, 0.13 * side, 0.15, 80).intersection(inner)))
    return [] if hole.is_empty else [hole]


def _fill(polygons: list[Polygon], shape: tuple[int, int], map_px: float) -> F32:
    """Return the share of each cell of a map that is inside polygons without holes, 0..1."""
    fine = 4
    image = Image.new("L", (shape[1] * fine, shape[0] * fine), 0)
    draw = ImageDraw.Draw(image)
    for polygon in polygons:
        ring = np.asarray(polygon.exterior.coords) * (fine / map_px) - 0.5
        draw.polygon([(float(x), float(y)) for x, y in ring], fill=1)
    drawn = np.asarray(image, dtype=np.float32).reshape(shape[0], fine, shape[1], fine)
    return np.asarray(drawn.mean(axis=(1, 3)))


def draw_anatomy(rng: np.random.Generator, outlines: Outlines, settings: PhantomSettings) -> Anatomy:
    """Draw the maps of the kinds of tissue.

    Args:
        rng: Source of randomness.
        outlines: Outlines of the slide.
        settings: Settings of the phantom. More `overlap` means more reactive tissue, tumour stroma and
            lymphocytes in the lesion.

    Returns:
        The maps, with a border of two cells at the far sides so that they can be enlarged to the slide.
    """
    mpp, overlap = settings.mpp, settings.overlap
    map_px = max(1, round(_MAP_UM / mpp))
    shape = (settings.height_px // map_px + 3, settings.width_px // map_px + 3)
    um = map_px * mpp  # um per cell

    def field(grain_um: float) -> F32:
        return smooth_noise(rng, shape, grain_um / um)

    tissue = _fill(outlines.tissue, shape, map_px)
    lesion = _fill(outlines.lesions, shape, map_px) * (1 - _fill(outlines.exclusions, shape, map_px))
    cores = shapely.get_parts([piece.buffer(-_EDGE_UM / mpp) for piece in outlines.tissue])
    inner = _fill([core for core in cores if isinstance(core, Polygon)], shape, map_px)
    strands = 1 - smooth_step(np.abs(field(420.0)), 0.04, 0.10)
    patches = smooth_step(field(160.0), 1.3, 1.7)
    stroma = np.maximum.reduce([tissue - inner, strands * 0.9, patches])
    # Tumour grows in nests, separated by strands of stroma.
    nest = smooth_step(np.abs(field(150.0) + 0.4 * field(50.0)), 0.05 + 0.10 * overlap, 0.15 + 0.12 * overlap)
    reactive = smooth_step(field(110.0), 1.7 - 1.5 * overlap, 2.2 - 1.5 * overlap)
    inflamed = smooth_step(field(110.0), 1.7 - 1.5 * overlap, 2.2 - 1.5 * overlap)
    sinus = smooth_step(field(130.0), 1.25, 1.7)
    fat = smooth_step(field(260.0), 2.0, 2.05)
    return Anatomy(
        map_px=map_px,
        tissue=tissue,
        lesion=lesion,
        nest=nest * lesion,
        stroma=(stroma + lesion * (1 - nest - stroma)).astype(np.float32),
        sinus=sinus * (1 - 0.25 * lesion),
        fat=fat * (1 - lesion),
        reactive=reactive * (1 - lesion),
        inflamed=inflamed * lesion,
        density=field(90.0),
        shade=field(140.0),
        thickness=np.exp(np.float32(0.18) * field(160.0)),
    )
