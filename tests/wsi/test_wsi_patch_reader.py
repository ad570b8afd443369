"""Patches by the fast path: OpenSlide's pixels and an exact mean, whatever the slide and the grouping."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
import tifffile
from factories.jpeg_slides import set_tag, spoil_tile, tiles_of, tissue_like, write_jpeg_slide
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pathgen.core.errors import PathgenError
from pathgen.wsi.geometry import grid_positions, length_l0
from pathgen.wsi.jpeg_tiles import JpegTiles
from pathgen.wsi.patch_reader import PatchReading, read_patches
from pathgen.wsi.reader import Slide
from pathgen.wsi.resample import shrink

WIDTH, HEIGHT = 700, 520


def grid(width: int, height: int, side: int, stride: int) -> np.ndarray:
    corners = grid_positions(width, height, side, stride)
    return np.hstack([corners, np.full((len(corners), 1), side)])


def by_openslide(path: Path, places: np.ndarray, out_px: int) -> np.ndarray:
    """Read patch by patch with OpenSlide itself, and average without the code under test."""
    images = np.empty((len(places), out_px, out_px, 3), np.uint8)
    with openslide.OpenSlide(path) as slide:
        for image, (x, y, side) in zip(images, places.tolist(), strict=True):
            rgba = np.asarray(slide.read_region((x, y), 0, (side, side)))
            rgb = np.where(rgba[..., 3:] > 0, rgba[..., :3], 255).astype(np.uint8)
            if side % out_px:
                image[...] = shrink(rgb, out_px)
            else:
                factor = side // out_px
                sums = rgb.reshape(out_px, factor, out_px, factor, 3).sum(axis=(1, 3), dtype=int)
                image[...] = (2 * sums + factor**2) // (2 * factor**2)
    return images


def read(path: Path, places: np.ndarray, out_px: int, threads: int = 2, **limits: int) -> PatchReading:
    return read_patches(path, places, out_px, mpp_if_missing=None, threads=threads, **limits)


def assert_equal_to_openslide(path: Path, places: np.ndarray, out_px: int, threads: int = 2) -> PatchReading:
    reading = read(path, places, out_px, threads)
    assert (reading.method, reading.reason) == ("jpeg_tiles", None)
    np.testing.assert_array_equal(reading.images, by_openslide(path, places, out_px))
    return reading


def assert_incomplete(reading: PatchReading, path: Path, places: np.ndarray, missing: set[int]) -> None:
    """Compare the reported patches with a map of the missing tiles, pixel by pixel."""
    tiles = tiles_of(path)
    white = np.zeros((tiles.size[1], tiles.size[0]), dtype=bool)
    for tile in missing:
        x, y = tiles.corner(tile)
        white[y : y + tiles.tile_size[1], x : x + tiles.tile_size[0]] = True
    assert reading.incomplete is not None and reading.incomplete.dtype == bool
    expected = [bool(white[y : y + side, x : x + side].any()) for x, y, side in places.tolist()]
    assert reading.incomplete.tolist() == expected


KINDS: dict[str, dict[str, Any]] = {
    "420": {"subsampling": (2, 2)},
    "422": {"subsampling": (2, 1)},
    "444": {"subsampling": (1, 1)},
    "rgb": {"colours": "rgb"},
    "bigtiff": {"bigtiff": True},
    "bigtiff, big-endian": {"bigtiff": True, "byteorder": ">"},
    "tile 240": {"tile": (240, 240)},
    "tile 512": {"tile": (512, 512)},
    "tile 96 x 160": {"tile": (96, 160)},
    "one tile": {"tile": (704, 528)},
    "aperio": {"vendor": "aperio", "tile": (240, 240), "steps": (1, 2, 4), "missing": {1, 8}},
    "aperio rgb": {"vendor": "aperio", "colours": "rgb", "tile": (240, 240)},
    "philips, sparse": {"vendor": "philips", "steps": (1, 2, 4), "missing": {6, 7, 8, 30, 98}},
    "philips, tile 512": {"vendor": "philips", "tile": (512, 512), "missing": {1}},
}


@pytest.mark.parametrize("kind", KINDS)
def test_patch_reader_pixels_equal_openslide(tmp_path: Path, kind: str) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", tissue_like(HEIGHT, WIDTH), **KINDS[kind])
    # The usual grid; overlapping patches; every pixel of the slide, the outermost corner included;
    # blocks cut by the tiles' edges; sides that do not divide; all of them in one call.
    last = [[WIDTH - 128, HEIGHT - 128, 128], [WIDTH - 32, HEIGHT - 32, 32]]
    places = np.vstack(
        [
            grid(WIDTH, HEIGHT, 128, 128),
            grid(WIDTH, HEIGHT, 64, 48),
            last,
            grid(WIDTH, HEIGHT, 96, 131)[:9],
            grid(WIDTH, HEIGHT, 100, 207),
            [[0, 0, 520], [180, 0, 520]],
        ]
    )
    reading = assert_equal_to_openslide(path, places, 32)
    assert_incomplete(reading, path, places, KINDS[kind].get("missing", set()))


@pytest.mark.parametrize("colours", ["rgb", "ycbcr"])
def test_patch_reader_abbreviated_streams_equal_openslide(tmp_path: Path, colours: str) -> None:
    """As older scanners write: one set of tables for all tiles, no word on colours in the streams."""
    whole = write_jpeg_slide(tmp_path / "whole.tif", tissue_like(HEIGHT, WIDTH), colours=colours)
    with tifffile.TiffFile(whole) as tiff:
        page = tiff.pages.first
        streams = []
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
            tiff.filehandle.seek(offset)
            streams.append(_abbreviated(tiff.filehandle.read(count)))
    assert len({tables for tables, _ in streams}) == 1
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(
            iter([stream for _, stream in streams]),
            shape=(HEIGHT, WIDTH, 3),
            dtype=np.uint8,
            tile=(64, 64),
            compression="jpeg",
            compressionargs={"outcolorspace": colours},
            photometric=colours,
            subsampling=(2, 2) if colours == "ycbcr" else None,
            jpegtables=streams[0][0],
            resolution=(40000, 40000),
            resolutionunit="CENTIMETER",
            metadata=None,
        )
    reading = assert_equal_to_openslide(tmp_path / "a.tif", grid(WIDTH, HEIGHT, 64, 64), 32)
    np.testing.assert_array_equal(reading.images, read(whole, grid(WIDTH, HEIGHT, 64, 64), 32).images)


def _abbreviated(stream: bytes) -> tuple[bytes, bytes]:
    """Part a stream into its tables and the rest, without markers of applications."""
    tables, rest, at = b"", b"", 2
    while stream[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        if stream[at + 1] in (0xDB, 0xC4):
            tables += stream[at:end]
        elif not 0xE0 <= stream[at + 1] <= 0xEF:
            rest += stream[at:end]
        at = end
    return b"\xff\xd8" + tables + b"\xff\xd9", b"\xff\xd8" + rest + stream[at:]


def test_patch_reader_real_svs_equals_openslide(real_data: Path) -> None:
    path = real_data / "slides" / "CMU-1-Small-Region.svs"
    places = np.vstack([grid(2220, 2967, 256, 256), grid(2220, 2967, 512, 700), [[2220 - 300, 2667, 300]]])
    reading = assert_equal_to_openslide(path, places, 64, threads=4)
    assert reading.incomplete is not None and not reading.incomplete.any()


def test_patch_reader_other_formats_equal_openslide(real_data: Path) -> None:
    path = real_data / "slides" / "tumor_001_sparse_crop.tif"  # deflated
    places = grid(3840, 11520, 256, 960)
    reading = read(path, places, 64, 3)
    assert reading.method == "openslide"
    assert reading.reason is not None and "DEFLATE" in reading.reason
    assert reading.incomplete is None
    np.testing.assert_array_equal(reading.images, by_openslide(path, places, 64))


SPARSE = {1, 5, 20, 21, 40}


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sparse") / "a.tif"
    return write_jpeg_slide(path, tissue_like(HEIGHT, WIDTH), tile=(96, 64), missing=SPARSE)


@pytest.fixture(scope="module")
def deflated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("deflated") / "a.tif"
    return write_jpeg_slide(path, tissue_like(HEIGHT, WIDTH), compression="adobe_deflate", missing={5, 20})


PLACES = st.tuples(
    st.sampled_from([16, 32, 48, 50, 64, 112]), st.integers(0, 700), st.integers(0, 700), st.booleans()
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(PLACES, max_size=8), threads=st.integers(1, 4), data=st.data())
@pytest.mark.parametrize("kind", ["sparse", "deflated"])
def test_patch_reader_order_batches_and_threads_change_no_byte(
    request: pytest.FixtureRequest, kind: str, drawn: list[Any], threads: int, data: st.DataObject
) -> None:
    path: Path = request.getfixturevalue(kind)
    step = 16
    rows = []
    for side, x, y, aligned in drawn:  # Whole blocks and odd places side by side.
        place = [min(x, WIDTH - side), min(y, HEIGHT - side)]
        rows.append([*(number // step * step if aligned else number for number in place), side])
    places = np.array(rows, dtype=np.int64).reshape(-1, 3)
    whole = read(path, places, 16, 1)
    np.testing.assert_array_equal(whole.images, by_openslide(path, places, 16))
    order = np.array(data.draw(st.permutations(range(len(places)))), dtype=np.int64)
    split = data.draw(st.integers(0, len(places)))
    parts = [read(path, places[part], 16, threads) for part in (order[:split], order[split:])]
    np.testing.assert_array_equal(np.concatenate([part.images for part in parts]), whole.images[order])
    if kind == "sparse":
        reported = np.concatenate([part.incomplete for part in parts if part.incomplete is not None])
        assert_incomplete(
            PatchReading(whole.images[order], "jpeg_tiles", None, reported), path, places[order], SPARSE
        )


def test_patch_reader_cache_of_one_tile_gives_the_same_bytes(sparse: Path) -> None:
    places = np.vstack([grid(WIDTH, HEIGHT, 64, 64), grid(WIDTH, HEIGHT, 150, 41)])
    expected, found = read(sparse, places, 32), read(sparse, places, 32, cache_bytes=1)
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.incomplete, expected.incomplete)


def test_patch_reader_memory_does_not_grow_with_the_slide(tmp_path: Path) -> None:
    image = tissue_like(256, 256)
    peaks = []
    for times in (4, 12):
        path = write_jpeg_slide(tmp_path / "a.tif", np.tile(image, (times, times, 1)), tile=(256, 256))
        places = grid(times * 256, times * 256, 256, 250)
        tracemalloc.start()
        images = read(path, places, 32, cache_bytes=1 << 20).images
        peaks.append(tracemalloc.get_traced_memory()[1] - images.nbytes)
        tracemalloc.stop()
    # Nine times the pixels (28 MB decoded): the list of tiles grows, and nothing else.
    assert peaks[1] < peaks[0] + (1 << 20)


def test_patch_reader_missing_tiles_are_white_and_reported(sparse: Path) -> None:
    # Tiles of 96 x 64, eight to a row: number 1 next to the first, 20 and 21 next to one another.
    at_20 = [4 * 96, 2 * 64]
    inside = [[96, 0, 32], [128, 0, 32], [*at_20, 64], [at_20[0] + 64, at_20[1], 64]]
    # Up to the edge, one pixel over it on either side, and a corner.
    partly = [[33, 0, 64], [191, 0, 64], [at_20[0] - 63, at_20[1] - 63, 64]]
    adjacent = [[0, 0, 64], [32, 0, 64], [192, 0, 64], [at_20[0] - 64, at_20[1] - 64, 64]]
    reading = read(sparse, np.array([*inside, *partly, *adjacent]), 32)
    assert reading.incomplete is not None
    assert reading.incomplete.tolist() == [True] * 7 + [False] * 4
    assert reading.images[:4].min() == 255
    assert (reading.images[4:].min(axis=(1, 2, 3)) < 255).all()


def test_patch_reader_decodes_each_tile_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", tissue_like(512, 512), tile=(128, 128))
    tiles = tiles_of(path)
    decoded: list[int] = []
    decode = JpegTiles.decode

    def counted(self: JpegTiles, stream: Any, tile: int) -> np.ndarray | None:
        decoded.append(tile)
        return decode(self, stream, tile)

    monkeypatch.setattr("pathgen.wsi.patch_reader.find_jpeg_tiles", lambda slide: tiles)
    monkeypatch.setattr(JpegTiles, "decode", counted)
    read(path, grid(512, 512, 64, 50), 16, threads=1)
    assert sorted(decoded) == list(range(16))


def test_patch_reader_without_places_gives_nothing(sparse: Path, deflated: Path) -> None:
    for path in (sparse, deflated):
        assert read(path, np.zeros((0, 3), np.int64), 16).images.shape == (0, 16, 16, 3)


@pytest.mark.parametrize("vendor", ["generic", "aperio"])
def test_patch_reader_tiny_slide_of_one_level(tmp_path: Path, vendor: str) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", tissue_like(16, 16), tile=(16, 16), vendor=vendor)
    assert_equal_to_openslide(path, np.array([[0, 0, 16], [3, 1, 13], [15, 15, 1]]), 1)
    with pytest.raises(PathgenError, match=r"patch at \(0, 0\) of 64 px is not on the slide of 16 x 16"):
        read(path, np.array([[0, 0, 64]]), 16)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ([-1, 0, 64], "not on the slide"),
        ([0, -64, 64], "not on the slide"),
        ([WIDTH - 63, 0, 64], "not on the slide"),
        ([0, HEIGHT - 63, 64], "not on the slide"),
        ([0, 0, 31], "31 px at level 0, fewer than the 32 px"),
    ],
)
def test_patch_reader_unreadable_place_is_refused(sparse: Path, place: list[int], said: str) -> None:
    with pytest.raises(PathgenError, match=said):
        read(sparse, np.array([[0, 0, 64], place]), 32)


def test_patch_reader_other_mpp_covers_the_same_microns(tmp_path: Path) -> None:
    """Within the tolerance a patch keeps its pixels, beyond it its microns; the filter is the same."""
    image = tissue_like(600, 600)
    for mpp, side in [(0.243, 256), (0.226, 256), (0.274, 256), (0.28, 229), (0.2, 320), (0.5, 128)]:
        path = write_jpeg_slide(tmp_path / f"{mpp}.tif", image, mpp=mpp)
        assert length_l0(256, 0.25, mpp, 0.1) == side
        assert_equal_to_openslide(path, np.array([[0, 0, side], [37, 200, side]]), 64)


@pytest.mark.parametrize("keep", [0.0, 0.5])
@pytest.mark.parametrize("side", [64, 100])
def test_patch_reader_damaged_tile_is_named(tmp_path: Path, keep: float, side: int) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", tissue_like(HEIGHT, WIDTH))
    places = grid(WIDTH, HEIGHT, side, side)
    good = read(path, places, 32)
    spoil_tile(path, 37, keep)  # eleven to a row: (256, 192)
    with pytest.raises(PathgenError, match=r"a\.tif: level 0 at \(256, 192\) cannot be read: ") as caught:
        read(path, places, 32, 4)
    assert "\n" not in str(caught.value)
    # Nothing of the failure stays: all other patches read as before, after a patch that failed, too.
    x, y = places[:, 0], places[:, 1]
    away = (x + side <= 256) | (x >= 320) | (y + side <= 192) | (y >= 256)
    reading = read(path, places[away], 32)
    assert reading.method == "jpeg_tiles"
    np.testing.assert_array_equal(reading.images, good.images[away])


def _rewrite(path: Path, tile: int, change: Callable[[bytes], bytes]) -> None:
    """Store a level-0 tile anew, at the end of the file."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        offset, count = page.dataoffsets[tile], page.databytecounts[tile]
    with path.open("r+b") as stream:
        stream.seek(offset)
        stored = change(stream.read(count))
        end = stream.seek(0, os.SEEK_END)
        stream.write(stored)
    set_tag(path, "TileOffsets", tile, end)
    set_tag(path, "TileByteCounts", tile, len(stored))


def test_patch_reader_falls_back_to_openslide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something between the last pixel and the end of a stream makes the decoder warn; no pixel is lost."""
    path = write_jpeg_slide(tmp_path / "a.tif", tissue_like(HEIGHT, WIDTH), missing={41})
    for tile in (37, 40):
        _rewrite(path, tile, lambda stored: stored[:-2] + b"\0" * 99 + stored[-2:])
    refused = []

    def noted(self: Slide, *region: int) -> np.ndarray:
        refused.append(region)
        return read_region(self, *region)

    read_region = Slide.read_region_l0
    monkeypatch.setattr(Slide, "read_region_l0", noted)
    reading = assert_equal_to_openslide(path, grid(WIDTH, HEIGHT, 64, 64), 32)
    assert reading.incomplete is not None and reading.incomplete.sum() == 1
    assert {(256, 192, 64, 64), (448, 192, 64, 64)} <= set(refused)


def test_patch_reader_truncated_slide_is_named(tmp_path: Path) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", tissue_like(HEIGHT, WIDTH), steps=(1, 2))
    places = grid(WIDTH, HEIGHT, 64, 64)
    set_tag(path, "TileOffsets", 37, path.stat().st_size - 9)
    with pytest.raises(PathgenError, match=r"a\.tif: level 0 at \(256, 192\) cannot be read"):
        read(path, places, 32)
