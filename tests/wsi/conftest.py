"""Small real TIFF slides, written by tifffile and read by OpenSlide."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

TILE = 64


def _tiles(image: np.ndarray, missing: np.ndarray) -> Iterator[np.ndarray | None]:
    height, width = image.shape[:2]
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            block = image[top : top + TILE, left : left + TILE]
            if missing[top : top + TILE, left : left + TILE].all():
                yield None
            else:
                pad = [(0, TILE - block.shape[0]), (0, TILE - block.shape[1]), (0, 0)]
                yield np.ascontiguousarray(np.pad(block, pad, mode="edge"))


def _write(
    path: Path,
    image: np.ndarray,
    *,
    mpp: float | tuple[float, float] = 0.25,
    steps: tuple[int, ...] = (1, 2, 4),
    unit: str = "CENTIMETER",
    missing: np.ndarray | None = None,
    compression: str = "adobe_deflate",
    bigtiff: bool = False,
) -> Path:
    missing = np.zeros(image.shape[:2], bool) if missing is None else missing
    x_mpp, y_mpp = mpp if isinstance(mpp, tuple) else (mpp, mpp)
    per_unit = {"CENTIMETER": 1e4, "INCH": 25400.0, "NONE": 1.0}[unit]
    options: dict[str, Any] = {"adobe_deflate": {}, "jpeg": {"compressionargs": {"level": 90}}}[compression]
    with tifffile.TiffWriter(path, bigtiff=bigtiff) as tiff:
        for step in steps:
            # Rounds the size down as scanners do, so that the real downsample is not the step.
            height, width = image.shape[0] // step, image.shape[1] // step
            rows = ((np.arange(height) + 0.5) * image.shape[0] / height).astype(int)
            columns = ((np.arange(width) + 0.5) * image.shape[1] / width).astype(int)
            small, gone = image[np.ix_(rows, columns)], missing[np.ix_(rows, columns)]
            tiff.write(
                _tiles(small, gone),
                shape=small.shape,
                dtype=np.uint8,
                tile=(TILE, TILE),
                photometric="rgb",
                compression=compression,
                resolution=(per_unit / x_mpp / step, per_unit / y_mpp / step),
                resolutionunit=unit,
                subfiletype=0 if step == 1 else 1,
                metadata=None,
                **options,
            )
    return path


@pytest.fixture
def write_slide() -> Callable[..., Path]:
    """Write a tiled pyramid: (path, image, mpp, steps, unit, missing, compression, bigtiff) -> path."""
    return _write


@pytest.fixture
def painted() -> Callable[..., np.ndarray]:
    """Paint glass with tissue in given rectangles (left, top, right, bottom)."""

    def paint(width: int, height: int, *tissue: tuple[int, int, int, int]) -> np.ndarray:
        rng = np.random.default_rng(7)
        image = rng.integers(238, 246, (height, width, 3), dtype=np.uint8)
        for left, top, right, bottom in tissue:
            shape = (bottom - top, right - left, 3)
            image[top:bottom, left:right] = np.array([190, 90, 160]) + rng.integers(-15, 15, shape)
        return image

    return paint


@pytest.fixture
def write_asap() -> Callable[..., Path]:
    """Write ASAP XML from (group, [(x, y), ...]) pairs."""

    def write(path: Path, *annotations: tuple[str, list[tuple[float, float]]], kind: str = "Polygon") -> Path:
        drawn = []
        for number, (group, ring) in enumerate(annotations):
            points = "".join(f'<Coordinate Order="{i}" X="{x}" Y="{y}"/>' for i, (x, y) in enumerate(ring))
            drawn.append(
                f'<Annotation Name="{number}" Type="{kind}" PartOfGroup="{group}">'
                f"<Coordinates>{points}</Coordinates></Annotation>"
            )
        text = f"<ASAP_Annotations><Annotations>{''.join(drawn)}</Annotations></ASAP_Annotations>"
        path.write_text(text)
        return path

    return write
