"""Slides in JPEG tiles, of the kinds that scanners write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from pathgen.wsi.jpeg_tiles import JpegTiles, find_jpeg_tiles
from pathgen.wsi.reader import open_slide


def _philips_header(mpp: Any, level_steps: tuple[int, ...]) -> str:
    """Return as much of a Philips header as makes OpenSlide take the file for one."""

    def attribute(name: str, number: str, kind: str, content: str) -> str:
        group, element = number.split(",")
        place = f'Group="{group}" Element="{element}" PMSVR="{kind}"'
        return f'<Attribute Name="{name}" {place}>{content}</Attribute>'

    def array(kind: str, *contents: str) -> str:
        made = "".join(f'<DataObject ObjectType="{kind}">{content}</DataObject>' for content in contents)
        return f"<Array>{made}</Array>"

    spacings = [
        attribute(
            "DICOM_PIXEL_SPACING", "0x0028,0x0030", "IDoubleArray", f"&quot;{mm}&quot; &quot;{mm}&quot;"
        )
        for mm in (mpp / 1000 * step for step in level_steps)
    ]
    name = "PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE"
    pixels = array("PixelDataRepresentation", *spacings)
    image = attribute("PIM_DP_IMAGE_TYPE", "0x301D,0x1004", "IString", "WSI")
    image += attribute(name, "0x1001,0x8B01", "IDataObjectArray", pixels)
    scanned = array("DPScannedImage", image)
    whole = attribute("PIM_DP_SCANNED_IMAGES", "0x301D,0x1003", "IDataObjectArray", scanned)
    return f'<?xml version="1.0" encoding="UTF-8" ?><DataObject ObjectType="DPUfsImport">{whole}</DataObject>'


def tissue_like(height: int, width: int, seed: int = 5) -> np.ndarray:
    """Paint smooth pink structure with noise: JPEG's colour subsampling must have something to lose."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 240, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    image = coarse.repeat(16, axis=0).repeat(16, axis=1)[:height, :width].astype(int)
    return np.clip(image + rng.integers(-40, 40, image.shape), 0, 255).astype(np.uint8)


def _tiles(image: np.ndarray, tile: tuple[int, int], missing: set[int]) -> Iterator[np.ndarray | None]:
    number = 0
    for top in range(0, image.shape[0], tile[1]):
        for left in range(0, image.shape[1], tile[0]):
            block = image[top : top + tile[1], left : left + tile[0]]
            pad = [(0, tile[1] - block.shape[0]), (0, tile[0] - block.shape[1]), (0, 0)]
            padded = np.ascontiguousarray(np.pad(block, pad, mode="edge"))
            yield None if number in missing else padded
            number += 1


def write_jpeg_slide(
    path: Path,
    image: np.ndarray,
    *,
    tile: tuple[int, int] = (64, 64),
    subsampling: tuple[int, int] = (2, 2),
    colours: str = "ycbcr",
    vendor: str = "generic",
    missing: frozenset[int] | set[int] = frozenset(),
    steps: tuple[int, ...] = (1,),
    mpp: float | tuple[float, float] = 0.25,
    unit: str = "CENTIMETER",
    compression: str = "jpeg",
    **options: Any,
) -> Path:
    """Write a slide, one level per step.

    `tile` is (width, height), `missing` has the numbers of level-0 tiles to leave out.
    """
    compressed: dict[str, Any] = {"compression": compression, "photometric": "rgb"}
    if compression == "jpeg":
        compressed["compressionargs"] = {"level": 85, "outcolorspace": colours}
        if colours == "ycbcr":
            compressed["subsampling"] = subsampling
    per_unit = {"CENTIMETER": 1e4, "INCH": 25400.0, "NONE": 1.0}[unit]
    resolution = per_unit / np.array(mpp if isinstance(mpp, tuple) else (mpp, mpp))
    described: dict[str, Any] = {"software": False, "description": None}
    if vendor == "philips":
        described = {"software": "Philips DP v1.0", "description": _philips_header(mpp, steps)}
    if vendor == "aperio":
        size = f"{image.shape[1]}x{image.shape[0]}"
        described["description"] = f"Aperio Image Library v1\r\n{size} |AppMag = 40|MPP = {mpp}"
    with tifffile.TiffWriter(path, **options) as writer:
        for level, step in enumerate(steps):
            # Rounds the size down as scanners do, so that the real downsample is not the step.
            height, width = image.shape[0] // step, image.shape[1] // step
            rows = ((np.arange(height) + 0.5) * image.shape[0] / height).astype(int)
            columns = ((np.arange(width) + 0.5) * image.shape[1] / width).astype(int)
            small = image[np.ix_(rows, columns)]
            writer.write(
                _tiles(small, tile, set(missing) if level == 0 else set()),
                shape=small.shape,
                dtype=np.uint8,
                tile=(tile[1], tile[0]),
                subfiletype=1 if level else 0,
                resolution=tuple(resolution / step),
                resolutionunit=unit,
                metadata=None,
                **compressed,
                **(described if level == 0 or vendor == "philips" else {"software": False}),
            )
    return path


def write_lossless_slide(path: Path, image: np.ndarray, **options: Any) -> Path:
    """Write a slide of three levels; level 0 has exactly the pixels of the image."""
    return write_jpeg_slide(path, image, **({"compression": "adobe_deflate", "steps": (1, 2, 4)} | options))


def painted(width: int, height: int, *tissue: tuple[int, int, int, int]) -> np.ndarray:
    """Paint glass with tissue in rectangles (left, top, right, bottom)."""
    rng = np.random.default_rng(7)
    image = rng.integers(238, 246, (height, width, 3), dtype=np.uint8)
    for left, top, right, bottom in tissue:
        shape = (bottom - top, right - left, 3)
        image[top:bottom, left:right] = np.array([190, 90, 160]) + rng.integers(-15, 15, shape)
    return image


def spoil_tile(path: Path, tile: int, keep: float = 0.0) -> None:
    """Overwrite a level-0 tile with noise, but for the given part at its start."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        offset, count = page.dataoffsets[tile], page.databytecounts[tile]
    start = int(count * keep)
    with path.open("r+b") as stream:
        stream.seek(offset + start)
        stream.write(np.random.default_rng(0).bytes(count - start))


def set_tag(path: Path, name: str, tile: int, value: int) -> None:
    """Replace the value of one level-0 tile in a tag, e.g. ``TileOffsets``."""
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tag = tiff.pages.first.tags[name]
        values = list(tag.value)
        values[tile] = value
        tag.overwrite(values)


def find(path: Path, **limits: int) -> JpegTiles | str:
    """Return the tiles of a slide, or why they are not decoded directly."""
    with open_slide(path) as slide:
        return find_jpeg_tiles(slide, **limits)


def tiles_of(path: Path) -> JpegTiles:
    tiles = find(path)
    assert isinstance(tiles, JpegTiles)
    return tiles
