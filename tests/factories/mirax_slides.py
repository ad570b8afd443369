"""Small MIRAX slides (``.mrxs`` with its folder): JPEG tiles, most of the slide's area without any.

Format: https://openslide.org/formats/mirax/
"""

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TILE_PX = 128
LEVELS = 3
_SLIDE_ID = "0123456789ABCDEF0123456789ABCDEF"
_VERSION = "01.02"
_FULL = 255


def write_mirax_slide(
    path: Path, scan: NDArray[np.uint8], corner: tuple[int, int], mpp: float = 0.25
) -> None:
    """Write a slide of which an area is scanned.

    Args:
        path: The file ``NAME.mrxs``; the data are in the folder ``NAME``.
        scan: The scanned area; sides are multiples of `TILE_PX`.
        corner: Its left upper corner on the slide, (x, y), px; multiples of `TILE_PX`.
        mpp: Resolution, um/px.
    """
    folder = path.with_suffix("")
    folder.mkdir(parents=True)
    path.write_bytes(_jpeg(np.full((64, 64, 3), _FULL, np.uint8)))
    # The side of the slide in tiles, a multiple of that of the coarsest level's tiles.
    coarsest = 1 << (LEVELS - 1)
    side = max(start + length for start, length in zip(corner, scan.shape[1::-1], strict=True)) // TILE_PX
    side = -(-side // coarsest) * coarsest
    slide = np.full((side * TILE_PX, side * TILE_PX, 3), _FULL, np.uint8)
    slide[corner[1] : corner[1] + scan.shape[0], corner[0] : corner[0] + scan.shape[1]] = scan
    (folder / "Slidedat.ini").write_text(_slidedat(side, mpp))
    data = bytearray(f"{_VERSION}{_SLIDE_ID}000".encode())
    entries = [_append_tiles(data, slide, 1 << level, side) for level in range(LEVELS)]
    (folder / "Data0000.dat").write_bytes(data)
    (folder / "Index.dat").write_bytes(_index(entries))


def _jpeg(image: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def _slidedat(side: int, mpp: float) -> str:
    sections: dict[str, dict[str, object]] = {
        "GENERAL": {
            "SLIDE_ID": _SLIDE_ID,
            "IMAGENUMBER_X": side,
            "IMAGENUMBER_Y": side,
            "OBJECTIVE_MAGNIFICATION": 20,
            "CameraImageDivisionsPerSide": 1,
        },
        "HIERARCHICAL": {
            "HIER_COUNT": 1,
            "NONHIER_COUNT": 0,
            "INDEXFILE": "Index.dat",
            "HIER_0_NAME": "Slide zoom level",
            "HIER_0_COUNT": LEVELS,
            **{f"HIER_0_VAL_{level}_SECTION": f"LEVEL_{level}" for level in range(LEVELS)},
        },
        "DATAFILE": {"FILE_COUNT": 1, "FILE_0": "Data0000.dat"},
    }
    for level in range(LEVELS):
        sections[f"LEVEL_{level}"] = {
            "OVERLAP_X": 0,
            "OVERLAP_Y": 0,
            "MICROMETER_PER_PIXEL_X": mpp * 2**level,
            "MICROMETER_PER_PIXEL_Y": mpp * 2**level,
            "IMAGE_FORMAT": "JPEG",
            "IMAGE_FILL_COLOR_BGR": 0xFFFFFF,
            "DIGITIZER_WIDTH": TILE_PX,
            "DIGITIZER_HEIGHT": TILE_PX,
            "IMAGE_CONCAT_FACTOR": min(level, 1),
        }
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {value}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def _append_tiles(
    data: bytearray, slide: NDArray[np.uint8], step: int, side: int
) -> list[tuple[int, int, int, int]]:
    """Append the tiles of a level that are not blank; return number, offset, length and file of each."""
    level = np.asarray(Image.fromarray(slide).reduce(step))
    entries = []
    for row in range(0, side, step):
        for column in range(0, side, step):
            top, left = row // step * TILE_PX, column // step * TILE_PX
            tile = np.ascontiguousarray(level[top : top + TILE_PX, left : left + TILE_PX])
            if not (tile == _FULL).all():
                content = _jpeg(tile)
                entries.append((row * side + column, len(data), len(content), 0))
                data += content
    return entries


def _index(entries: list[list[tuple[int, int, int, int]]]) -> bytes:
    """Return the index: per level the place of a list of pages, here of one page."""
    head = f"{_VERSION}{_SLIDE_ID}".encode()
    levels = len(head) + 8
    pages, places = bytearray(), []
    for tiles in entries:
        start = levels + 4 * len(entries) + len(pages)
        places.append(start)
        pages += struct.pack("<iiii", 0, start + 8, len(tiles), 0)
        pages += b"".join(struct.pack("<iiii", *tile) for tile in tiles)
    end = levels + 4 * len(entries) + len(pages)
    roots = struct.pack("<ii", levels, end)
    return head + roots + struct.pack(f"<{len(places)}i", *places) + bytes(pages) + bytes(16)
