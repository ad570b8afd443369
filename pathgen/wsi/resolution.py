"""The resolution of a slide, from its metadata."""

from collections.abc import Mapping
from pathlib import Path

from pathgen.core.errors import PathgenError

# A TIFF without a real resolution often has 72 dots per inch, 353 um/px: coarser than any scanner.
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
        path: Path of the slide, for messages.
        properties: Its OpenSlide properties.
        mpp_if_missing: Resolution of a slide whose file does not contain it, um/px; None refuses it.

    Returns:
        Resolution in x and y, um/px: OpenSlide's, else that of the TIFF tags, else `mpp_if_missing`. Values
        outside 0.01 to 20 um/px are ignored.

    Raises:
        PathgenError: The file contains no resolution and `mpp_if_missing` is None.
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
        "contains no resolution (micrometres per pixel)",
        "Set cohort.mpp_if_missing, if all slides without one have the same",
    )
