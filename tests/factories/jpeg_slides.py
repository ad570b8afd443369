"""Slides in JPEG tiles, of the kinds that scanners write."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile


def _philips_header(mpp: float, levels: int) -> str:
    """Return as much of a Philips header as makes OpenSlide take the file for one."""

    def attribute(name: str, number: str, kind: str, content: str) -> str:
        group, element = number.split(",")
        place = f'Group="{group}" Element="{element}" PMSVR="{kind}"'
        return f'<Attribute Name="{name}" {place}>{content}</Attribute>'

    def array(kind: str, *contents: str) -> str:
        made = "".join(f'<DataObject ObjectType="{kind}">{content}</DataObject>' for content in contents)
        return f"<Array>{made}</Array>"

    steps = [mpp / 1000 * 2**level for level in range(levels)]
    spacings = [
        attribute(
            "DICOM_PIXEL_SPACING", "0x0028,0x0030", "IDoubleArray", f"&quot;{mm}&quot; &quot;{mm}&quot;"
        )
        for mm in steps
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
    levels: int = 1,
    mpp: float | None = 0.25,
    compression: str = "jpeg",
    **options: Any,
) -> Path:
    """Write a slide; `tile` is (width, height), `missing` holds numbers of level-0 tiles left out."""
    compressed: dict[str, Any] = {"compression": compression, "photometric": "rgb"}
    if compression == "jpeg":
        compressed["compressionargs"] = {"level": 85, "outcolorspace": colours}
        if colours == "ycbcr":
            compressed["subsampling"] = subsampling
    resolution = None if mpp is None else (1e4 / mpp, 1e4 / mpp)
    described: dict[str, Any] = {"software": False, "description": None}
    if vendor == "philips":
        described = {"software": "Philips DP v1.0", "description": _philips_header(mpp or 0.25, levels)}
    if vendor == "aperio":
        size = f"{image.shape[1]}x{image.shape[0]}"
        described["description"] = f"Aperio Image Library v1\r\n{size} |AppMag = 40|MPP = {mpp}"
    with tifffile.TiffWriter(path, **options) as writer:
        for level in range(levels):
            small = np.ascontiguousarray(image[:: 2**level, :: 2**level])
            writer.write(
                _tiles(small, tile, set(missing) if level == 0 else set()),
                shape=small.shape,
                dtype=np.uint8,
                tile=(tile[1], tile[0]),
                subfiletype=1 if level else 0,
                resolution=resolution,
                resolutionunit=None if resolution is None else "CENTIMETER",
                metadata=None,
                **compressed,
                **(described if level == 0 or vendor == "philips" else {"software": False}),
            )
    return path
