"""Read whole slides through OpenSlide: the only module that imports it."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import openslide
from numpy.typing import NDArray
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.wsi.geometry import finest_reduction
from pathgen.wsi.open_error import open_error
from pathgen.wsi.resolution import level0_mpp

_STRIP_PIXELS = 1 << 24
_WHITE = 255


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
    """

    def __init__(self, path: Path, handle: openslide.OpenSlide, mpp: tuple[float, float]) -> None:
        self._handle = handle
        self.path = path
        self.mpp = mpp
        self.dimensions: tuple[int, int] = handle.dimensions
        self.level_dimensions: tuple[tuple[int, int], ...] = tuple(handle.level_dimensions)
        self.downsamples: tuple[float, ...] = tuple(handle.level_downsamples)
        self.vendor = str(handle.properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown"))

    def __enter__(self) -> "Slide":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
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

    def read_region_and_coverage_l0(
        self, x: int, y: int, width: int, height: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Read a rectangle of level 0 (see `read_region_l0`) and which of its pixels the file contains.

        Args:
            x: Left edge, level-0 px.
            y: Top edge, level-0 px.
            width: Width, px.
            height: Height, px.

        Returns:
            Image, and bool (height, width): True where the pixel is stored.

        Raises:
            PathgenError: The pixels are stored but cannot be decoded.
        """
        rgba = self._read(0, x, y, width, height)
        return on_white(rgba), rgba[..., 3] > 0

    def overview(self, downsample: float) -> Overview:
        """Read the whole slide at a small scale.

        The coarsest level that is fine enough is read in strips and averaged over whole blocks of pixels,
        so that memory stays small even for slides with one level.

        Args:
            downsample: Level-0 px per pixel, at least 1; the result is never coarser.

        Returns:
            Thumbnail with its exact scale.

        Raises:
            PathgenError: The slide cannot be decoded.
        """
        level, factor = finest_reduction(self.downsamples, max(downsample, 1.0))
        width, height = self.level_dimensions[level]
        scale_x, scale_y = self.dimensions[0] / width, self.dimensions[1] / height
        rows = max(factor, _STRIP_PIXELS // width // factor * factor)
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

    def thumbnail(self, max_side: int) -> NDArray[np.uint8]:
        """Return a thumbnail of the whole slide.

        Args:
            max_side: Largest length of the longer side, px.

        Returns:
            uint8 of shape (h, w, 3), RGB; never larger than level 0.

        Raises:
            PathgenError: The slide cannot be decoded.
        """
        wanted = max(1.0, max(self.dimensions) / max_side)
        image = self.overview(wanted).image
        width, height = (max(1, round(side / wanted)) for side in self.dimensions)
        resized = Image.fromarray(image).resize((width, height), Image.Resampling.BOX)
        return np.asarray(resized, dtype=np.uint8)


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


def open_slide(path: Path, mpp_if_missing: float | None = None) -> Slide:
    """Open a whole slide.

    Args:
        path: The slide file.
        mpp_if_missing: Resolution of a slide whose file does not contain it, um/px; it never overrules
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
        raise open_error(path, str(problem)) from None
    try:
        return Slide(path, handle, level0_mpp(path, handle.properties, mpp_if_missing))
    except PathgenError:
        handle.close()
        raise
