"""Which slides' tiles are decoded directly, and what is said of those that are not."""

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import tifffile
from factories.jpeg_slides import tissue_like, write_jpeg_slide
from typer.testing import CliRunner

from pathgen.cli import app
from pathgen.wsi import jpeg_tiles
from pathgen.wsi.jpeg_tiles import JpegTiles, find_jpeg_tiles
from pathgen.wsi.patch_reader import ReadingMethod, read_patches, reading_method
from pathgen.wsi.reader import open_slide


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return tissue_like(300, 400)


def reason(path: Path) -> str:
    """Return why a slide is read by OpenSlide; that it can be read, and reads right, is tested with it."""
    found = reading_method(path, None)
    why = found.reason
    assert found == ReadingMethod("openslide", why, None) and why is not None and "\n" not in why
    places = np.array([[0, 0, 64], [336, 236, 64], [130, 7, 96]])
    reading = read_patches(path, places, 32, mpp_if_missing=None, threads=2)
    assert (reading.method, reading.reason, reading.incomplete) == ("openslide", why, None)
    assert reading.images.std() > 5
    return why


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"compression": "adobe_deflate"}, "compressed as ADOBE_DEFLATE, not JPEG"),
        ({"compression": "lzw"}, "compressed as LZW, not JPEG"),
        ({"compression": None}, "compressed as NONE, not JPEG"),
        ({"compression": "aperio_jp2000_rgb", "vendor": "aperio"}, "APERIO_JP2000_RGB, not JPEG"),
        ({"compression": "aperio_jp2000_ycbc", "vendor": "aperio"}, "APERIO_JP2000_YCBC, not JPEG"),
    ],
)
def test_other_compressions(tmp_path: Path, image: np.ndarray, options: dict[str, Any], said: str) -> None:
    assert said in reason(write_jpeg_slide(tmp_path / "a.tif", image, **options))


def test_tiles_too_large_to_be_decoded_whole(
    tmp_path: Path, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", image, tile=(128, 128))
    assert reading_method(path, None).method == "jpeg_tiles"
    monkeypatch.setattr(jpeg_tiles, "_MAX_TILE_BYTES", 128 * 128 * 3 - 1)
    assert "tiles of 128 x 128 px are too large" in reason(path)


def test_two_images_of_the_size_of_level_0(tmp_path: Path, image: np.ndarray) -> None:
    """Which of the two OpenSlide takes is not asked: it reads the slide itself."""
    options: dict[str, Any] = {"tile": (64, 64), "photometric": "rgb", "metadata": None}
    jpeg = {"compression": "jpeg", "resolution": (40000, 40000), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for shown in (image, image[::-1]):
            writer.write(np.ascontiguousarray(shown), **options, **jpeg)
    assert "several images of the size of level 0" in reason(tmp_path / "a.tif")


def test_level_0_is_not_the_first_image(tmp_path: Path, image: np.ndarray) -> None:
    options: dict[str, Any] = {"tile": (64, 64), "photometric": "rgb", "metadata": None}
    jpeg = {"compression": "jpeg", "resolution": (40000, 40000), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(np.ascontiguousarray(image[::2, ::2]), **options, **jpeg)
        writer.write(image, **options, **jpeg, subfiletype=1)
    assert "first image has 200 x 150 px, level 0 has 400 x 300" in reason(tmp_path / "a.tif")


def test_grey_images(tmp_path: Path, image: np.ndarray) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(
            image[..., 0].copy(),
            tile=(64, 64),
            photometric="minisblack",
            compression="jpeg",
            resolution=(40000, 40000),
            resolutionunit="CENTIMETER",
            metadata=None,
        )
    assert "MINISBLACK, not RGB or YCbCr" in reason(tmp_path / "a.tif")


def test_pixels_that_differ_from_openslides(
    tmp_path: Path, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder that rounds or fills in colour otherwise would be found out at opening."""
    path = write_jpeg_slide(tmp_path / "a.tif", image)
    decode = JpegTiles.decode

    def one_off(self: JpegTiles, stream: BinaryIO, tile: int, scratch: np.ndarray) -> np.ndarray | None:
        pixels = decode(self, stream, tile, scratch)
        if pixels is not None and tile == 28:  # the last row's first: 64 x 44 px of it are on the slide
            pixels[43, 63, 2] ^= 1
        return pixels

    monkeypatch.setattr(JpegTiles, "decode", one_off)
    assert reason(path) == "its tile at (0, 256) decodes to other pixels than OpenSlide's"


def tiles_of(path: Path) -> JpegTiles:
    with open_slide(path) as slide:
        tiles = find_jpeg_tiles(slide)
    assert isinstance(tiles, JpegTiles)
    return tiles


def test_every_edge_and_a_missing_tile_are_compared(tmp_path: Path, image: np.ndarray) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", image, missing={9, 33, 34})  # seven to a row, five rows
    tiles = tiles_of(path)
    chosen = jpeg_tiles._tiles_to_check(tiles)
    assert (tiles.columns, tiles.rows) == (7, 5)
    assert {0, 9, 28} <= set(chosen)
    assert 27 in chosen  # the last stored one of the last column
    assert len(chosen) <= 8


def _spoil(path: Path, tile: int) -> None:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        offset, count = page.dataoffsets[tile], page.databytecounts[tile]
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(np.random.default_rng(0).bytes(count))


def test_one_damaged_tile_does_not_slow_the_slide(tmp_path: Path, image: np.ndarray) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", image)
    _spoil(path, 0)
    assert reading_method(path, None) == ReadingMethod("jpeg_tiles", None, (0, 35))


def test_damage_everywhere_is_left_to_openslide_to_name(tmp_path: Path, image: np.ndarray) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", image)
    for tile in range(35):
        _spoil(path, tile)
    assert reading_method(path, None).reason == "none of the tested tiles could be decoded"


def test_a_missing_tile_is_no_proof_that_the_others_decode(tmp_path: Path, image: np.ndarray) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", image, missing={7})
    for tile in set(range(35)) - {7}:
        _spoil(path, tile)
    assert reading_method(path, None).reason == "none of the tested tiles could be decoded"


def test_a_count_without_sense_is_not_read(tmp_path: Path, image: np.ndarray) -> None:
    """A damaged directory must not make the reader ask for as much memory as the file is long."""
    path = write_jpeg_slide(tmp_path / "a.tif", image)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tag = tiff.pages.first.tags["TileByteCounts"]
        tag.overwrite([*tag.value[:-1], 1 << 27])
    assert reading_method(path, None).reason == f"a tile has {1 << 27} bytes"


def test_a_stream_of_another_size_is_no_tile(tmp_path: Path, image: np.ndarray) -> None:
    small = tiles_of(write_jpeg_slide(tmp_path / "small.tif", image, tile=(64, 64)))
    large = tiles_of(write_jpeg_slide(tmp_path / "large.tif", image, tile=(128, 128)))
    for tiles, other in ((small, large), (large, small)):
        with other.path.open("rb") as stream:
            mixed = JpegTiles(
                tiles.path, tiles.size, tiles.tile_size, other.offsets, other.counts, other.head
            )
            assert mixed.decode(stream, 0, mixed.scratch()) is None
            assert other.decode(stream, 0, other.scratch()) is not None


def test_inspect_tells_how_a_slide_is_read(tmp_path: Path, image: np.ndarray) -> None:
    direct = write_jpeg_slide(tmp_path / "a.tif", image)
    other = write_jpeg_slide(tmp_path / "b.tif", image, compression="lzw")
    shown = CliRunner().invoke(app, ["inspect", str(direct)]).output
    assert "read by: decoding its JPEG tiles directly" in shown
    assert "because" not in shown and "missing tiles: 0 of 35\n" in shown
    sparse = write_jpeg_slide(tmp_path / "c.tif", image, missing={9, 33, 34})
    assert "missing tiles: 3 of 35\n" in CliRunner().invoke(app, ["inspect", str(sparse)]).output
    answer = CliRunner().invoke(app, ["inspect", "--json", str(sparse)]).output
    assert json.loads(answer)[0]["facts"]["missing_tiles"] == [3, 35]
    shown = CliRunner().invoke(app, ["inspect", str(other)]).output
    assert "read by: OpenSlide" in shown and "missing tiles" not in shown
    assert "not decoded directly because: level 0 is compressed as LZW, not JPEG" in shown
