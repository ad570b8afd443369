"""Read whole slides through OpenSlide: the only module that imports it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openslide
from numpy.typing import NDArray
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.core.file_kind import misnamed
from pathgen.wsi.geometry import finest_reduction
from pathgen.wsi.tiff import check_complete, check_pixels, tiff_facts

_WHITE = 255
# A TIFF without a real resolution often has 72 dots per inch, 353 um/px: coarser than any scanner.
_PLAUSIBLE_MPP = (0.01, 20.0)
_UNIT_UM = {"centimeter": 1e4, "inch": 25400.0}


@dataclass(frozen=True)
class Overview:
    """Thumbnail of a whole slide.

    Attributes:
        image: uint8 of shape (h, w, 3), RGB, white where the slide has no pixels.
        coverage: bool of shape (h, w), True where at least half of the pixel is stored in the file.
        downsample: Level-0 px per pixel in x and in y.
    """

    image: NDArray[np.uint8]
    coverage: NDArray[np.bool_]
    downsample: tuple[float, float]


class Slide:
    """An open whole slide; a context manager. Made by `open_slide`.

    After a failed read OpenSlide refuses all further reads of the handle: open the slide again.

    Attributes:
        path: The file.
        dimensions: (width, height) of level 0, px.
        level_dimensions: (width, height) of every level, level 0 first.
        downsamples: Downsample of every level, as stored; in general not a power of two.
        mpp: Resolution of level 0 in x and in y, um/px.
        vendor: Format as OpenSlide names it, e.g. ``"aperio"``.
        bounds: Corner (x, y) of the smallest rectangle that holds all scanned pixels, level-0 px; (0, 0) in
            most formats.
    """

    def __init__(self, path: Path, handle: openslide.OpenSlide, mpp: tuple[float, float]) -> None:
        self._handle = handle
        self.path = path
        self.mpp = mpp
        self.dimensions: tuple[int, int] = handle.dimensions
        self.level_dimensions: tuple[tuple[int, int], ...] = tuple(handle.level_dimensions)
        self.downsamples: tuple[float, ...] = tuple(handle.level_downsamples)
        self.vendor = str(handle.properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown"))
        corner = (openslide.PROPERTY_NAME_BOUNDS_X, openslide.PROPERTY_NAME_BOUNDS_Y)
        x, y = (int(handle.properties.get(name, 0)) for name in corner)
        self.bounds = (x, y)

    def __enter__(self) -> "Slide":
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def _read(self, level: int, x_l0: int, y_l0: int, width: int, height: int) -> NDArray[np.uint8]:
        """Return RGBA, uint8 (height, width, 4), of a region of a level; its corner is in level-0 px."""
        assert width > 0 and height > 0
        try:
            region = self._handle.read_region((x_l0, y_l0), level, (width, height))
        except openslide.OpenSlideError as problem:
            raise PathgenError(
                self.path,
                f"level {level} at ({x_l0}, {y_l0}) cannot be read: {problem}",
                "The file is damaged: copy it again from its source, or leave the slide out",
            ) from None
        return np.asarray(region, dtype=np.uint8)

    def read_region_l0(self, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Read a rectangle of level 0.

        Args:
            x: Left edge, level-0 px.
            y: Top edge, level-0 px.
            width: Width, px.
            height: Height, px.

        Returns:
            uint8 of shape (height, width, 3), RGB. Missing pixels (tiles never scanned, places
            beyond the slide's edge) are white.

        Raises:
            PathgenError: The pixels are stored but cannot be decoded.
        """
        return on_white(self._read(0, x, y, width, height))

    def check(self) -> None:
        """Check that the file is complete, that its pixels are 8-bit RGB, and that the first can be decoded.

        Raises:
            PathgenError: A tile of a TIFF lies past the end of the file, its pixels are of another kind (see
                `check_pixels`), or the first one cannot be decoded.
        """
        if (facts := check_complete(self.path)) is not None:
            check_pixels(self.path, facts, generic=self.vendor == "generic-tiff")
        self.read_region_l0(0, 0, 1, 1)

    def overview(self, downsample: float, strip_pixels: int = 1 << 24) -> Overview:
        """Read the whole slide at a small scale.

        The coarsest level that is fine enough is read in strips and averaged over whole blocks of pixels,
        so that memory stays small even for slides with one level.

        Args:
            downsample: Level-0 px per pixel, at least 1; the result is never coarser.
            strip_pixels: Number of pixels that are read at once; it does not change the result.

        Returns:
            Thumbnail with its exact scale.

        Raises:
            PathgenError: The slide cannot be decoded.
        """
        level, factor = finest_reduction(self.downsamples, max(downsample, 1.0))
        width, height = self.level_dimensions[level]
        scale_x, scale_y = self.dimensions[0] / width, self.dimensions[1] / height
        rows = max(factor, strip_pixels // width // factor * factor)
        images, coverages = [], []
        for top in range(0, height, rows):
            rgba = self._read(level, 0, round(top * scale_y), width, min(rows, height - top))
            images.append(_reduced(on_white(rgba), factor))
            covered = np.where(rgba[..., 3] > 0, _WHITE, 0).astype(np.uint8)
            coverages.append(_reduced(covered, factor) >= 128)
        return Overview(
            image=np.concatenate(images),
            coverage=np.concatenate(coverages),
            downsample=(scale_x * factor, scale_y * factor),
        )


def on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite an image on white.

    Args:
        rgba: uint8 of shape (h, w, 4), colour not multiplied by alpha.

    Returns:
        uint8 of shape (h, w, 3): (c * a + 255 * (255 - a) + 127) // 255.
    """
    alpha = rgba[..., 3:]
    if bool((alpha == _WHITE).all()):
        return np.ascontiguousarray(rgba[..., :3])
    opaque = rgba[..., :3].astype(np.uint32) * alpha
    return ((opaque + _WHITE * (_WHITE - alpha.astype(np.uint32)) + 127) // 255).astype(np.uint8)


def _reduced(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average blocks of factor x factor pixels; those cut by the right and lower edge count in part."""
    return np.asarray(Image.fromarray(image).reduce(factor), dtype=np.uint8)


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
        mpp_if_missing: Resolution if the file of the slide contains none, um/px; None refuses it.

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


def _file_problem(path: Path) -> PathgenError | None:
    """Return a problem that does not depend on the format, or None."""
    if not path.exists():
        return PathgenError(path, "no such file", "Correct the path")
    if path.is_dir():
        return PathgenError(path, "is a folder, not a slide", "Name the slide file in it")
    if not os.access(path, os.R_OK):
        return PathgenError(path, "is not readable by this user", "Change the file's permissions")
    # Hamamatsu's VMS and VMU files are text; other images can be converted.
    if found := misnamed(
        path, "TIFF", "PNG", "JPEG", *(("TEXT",) if path.suffix.lower() in (".vms", ".vmu") else ())
    ):
        return found
    if path.suffix.lower() == ".mrxs" and not path.with_suffix("").is_dir():
        reason = f"its data folder {path.stem}/ is missing"
        return PathgenError(path, reason, "Copy that folder to the folder of the file")
    return None


def _open_error(path: Path, message: str) -> PathgenError:
    """Find out why OpenSlide cannot open a file; its own message is often only "unsupported or missing"."""
    if problem := _file_problem(path):
        return problem
    try:
        check_complete(path)
        facts = tiff_facts(path)
    except PathgenError as damaged:
        return damaged
    if facts is not None and not facts.tiled:
        hint = "Convert it to a tiled pyramid, e.g. with: vips tiffsave in.tif out.tif --tile --pyramid"
        return PathgenError(path, "a TIFF in strips: slides are read from tiled TIFF only", hint)
    hint = "Convert it to a format that OpenSlide reads, or leave the slide out"
    return PathgenError(path, f"OpenSlide cannot open it: {message}", hint)


def open_slide(path: Path, mpp_if_missing: float | None = None) -> Slide:
    """Open a whole slide.

    Args:
        path: The slide file.
        mpp_if_missing: Resolution if the file of the slide contains none, um/px; it never overrules
            the file. None refuses such a slide.

    Returns:
        Open slide, for a ``with`` block.

    Raises:
        PathgenError: The file is missing, not a slide that OpenSlide reads, truncated, or without a
            resolution.
    """
    try:
        handle = openslide.OpenSlide(path)
    except openslide.OpenSlideError as problem:
        raise _open_error(path, str(problem)) from None
    try:
        return Slide(path, handle, level0_mpp(path, handle.properties, mpp_if_missing))
    except PathgenError:
        handle.close()
        raise
