"""How many microns a level-0 pixel measures, from what a slide says of itself."""

from collections.abc import Mapping
from pathlib import Path

from pathgen.core.errors import PathgenError

# A TIFF without a real resolution often says 72 dots per inch, 353 um/px: no scanner's level 0 is so coarse.
_PLAUSIBLE_MPP = (0.01, 20.0)
_UNIT_UM = {"centimeter": 1e4, "inch": 25400.0}


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _plausible(mpp: float | None) -> float | None:
    return mpp if mpp is not None and _PLAUSIBLE_MPP[0] <= mpp <= _PLAUSIBLE_MPP[1] else None


def _by_tiff_tags(properties: Mapping[str, str], axis: str) -> float | None:
    """Return um/px by the TIFF resolution tags, or None where they are absent or name no unit."""
    unit_um = _UNIT_UM.get(properties.get("tiff.ResolutionUnit", ""))
    dots = _number(properties.get(f"tiff.{axis}Resolution"))
    return unit_um / dots if unit_um and dots and dots > 0 else None


def level0_mpp(
    path: Path, properties: Mapping[str, str], mpp_if_missing: float | None
) -> tuple[float, float]:
    """Find the resolution of a slide.

    Args:
        path: The slide, for messages.
        properties: OpenSlide's properties of it.
        mpp_if_missing: The resolution, um/px, where the slide says none; None: such a slide is refused.

    Returns:
        um/px in x and in y: as OpenSlide understood the format, else by the TIFF tags, else
        `mpp_if_missing`. What is not between 0.01 and 20 um/px is no scanner's resolution and does not count.

    Raises:
        PathgenError: The slide says no resolution and none was given.
    """
    x, y = (
        _plausible(_number(properties.get(f"openslide.mpp-{axis.lower()}")))
        or _plausible(_by_tiff_tags(properties, axis))
        for axis in ("X", "Y")
    )
    if x is not None and y is not None:
        return x, y
    if mpp_if_missing is not None:
        return mpp_if_missing, mpp_if_missing
    raise PathgenError(
        path,
        "does not say its resolution (microns per pixel)",
        "Give it in the setting cohort.mpp_if_missing, if all slides without one have the same",
    )
