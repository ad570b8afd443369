"""Which slides' tiles are decoded directly, and what is said of those that are not."""

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import tifffile
from factories.jpeg_slides import find, set_tag, spoil_tile, tiles_of, tissue_like, write_jpeg_slide
from typer.testing import CliRunner

from pathgen.cli import app
from pathgen.wsi.jpeg_tiles import JpegTiles, tiles_to_check
from pathgen.wsi.patch_reader import read_patches


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return tissue_like(300, 400)


def reason(path: Path) -> str:
    """Return why a slide is read by OpenSlide; that it can be read, and reads right, is tested with it."""
    why = find(path)
    assert isinstance(why, str) and "\n" not in why
    places = np.array([[0, 0, 64], [336, 236, 64], [130, 7, 96]])
    reading = read_patches(path, places, 32, mpp_if_missing=None, threads=2)
    assert (reading.method, reading.reason, reading.incomplete) == ("openslide", why, None)
    assert reading.images.std() > 5
    return why


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"compression": "adobe_deflate"}, "ADOBE_DEFLATE"),
        ({"compression": "lzw"}, "LZW"),
        ({"compression": None}, "NONE"),
        ({"compression": "aperio_jp2000_rgb", "vendor": "aperio"}, "APERIO_JP2000_RGB"),
        ({"compression": "aperio_jp2000_ycbc", "vendor": "aperio"}, "APERIO_JP2000_YCBC"),
    ],
)
def test_jpeg_tiles_other_compressions_use_openslide(
    tmp_path: Path, image: np.ndarray, options: dict[str, Any], said: str
) -> None:
    assert said in reason(write_jpeg_slide(tmp_path / "a.tif", image, **options))


def test_jpeg_tiles_too_large_use_openslide(tmp_path: Path, image: np.ndarray) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", image, tile=(128, 128))
    assert isinstance(find(path, max_tile_bytes=128 * 128 * 3), JpegTiles)
    assert "128 x 128" in str(find(path, max_tile_bytes=128 * 128 * 3 - 1))


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        # Which of the two OpenSlide takes is not asked: it reads the slide itself.
        ([(np.s_[:], 0), (np.s_[::-1], 0)], "several images of the size of level 0"),
        ([(np.s_[::2, ::2], 0), (np.s_[:], 1)], "first image has 200 x 150 px, level 0 has 400 x 300"),
        ([(np.s_[..., 0], 0)], "MINISBLACK"),
    ],
    ids=["two of the size of level 0", "level 0 is second", "grey"],
)
def test_images_that_are_not_level_0_in_colour(
    tmp_path: Path, image: np.ndarray, pages: list[tuple[Any, int]], said: str
) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for part, subfile in pages:
            shown = np.ascontiguousarray(image[part])
            writer.write(
                shown,
                tile=(64, 64),
                photometric="rgb" if shown.ndim == 3 else "minisblack",
                compression="jpeg",
                resolution=(40000, 40000),
                resolutionunit="CENTIMETER",
                subfiletype=subfile,
                metadata=None,
            )
    assert said in reason(tmp_path / "a.tif")


def test_jpeg_tiles_different_pixels_use_openslide(
    tmp_path: Path, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decoder that rounds or fills in colour otherwise would be found out at opening."""
    path = write_jpeg_slide(tmp_path / "a.tif", image)
    decode = JpegTiles.decode

    def one_off(self: JpegTiles, stream: BinaryIO, tile: int) -> np.ndarray | None:
        pixels = decode(self, stream, tile)
        if pixels is not None and tile == 28:  # the last row's first: 64 x 44 px of it are on the slide
            pixels[43, 63, 2] ^= 1
        return pixels

    monkeypatch.setattr(JpegTiles, "decode", one_off)
    assert "(0, 256)" in reason(path)


def test_jpeg_tiles_edges_and_missing_tiles_are_compared(tmp_path: Path, image: np.ndarray) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", image, missing={9, 33, 34})  # seven to a row, five rows
    tiles = tiles_of(path)
    chosen = tiles_to_check(tiles)
    assert (tiles.columns, tiles.rows) == (7, 5)
    assert {0, 9, 28} <= set(chosen)
    assert 27 in chosen  # the last stored one of the last column
    assert len(chosen) <= 8


def test_jpeg_tiles_one_damaged_tile_keeps_the_fast_path(tmp_path: Path, image: np.ndarray) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", image)
    spoil_tile(path, 0)
    assert len(tiles_of(path).counts) == 35


@pytest.mark.parametrize("missing", [set(), {7}])  # A missing tile is no proof that the others decode.
def test_jpeg_tiles_damage_everywhere_uses_openslide(
    tmp_path: Path, image: np.ndarray, missing: set[int]
) -> None:
    path = write_jpeg_slide(tmp_path / "a.tif", image, missing=missing)
    for tile in set(range(35)) - missing:
        spoil_tile(path, tile)
    assert "none" in str(find(path))


def test_jpeg_tiles_invalid_count_is_not_read(tmp_path: Path, image: np.ndarray) -> None:
    """A damaged directory must not make the reader ask for as much memory as the file is long."""
    path = write_jpeg_slide(tmp_path / "a.tif", image)
    set_tag(path, "TileByteCounts", -1, 1 << 27)
    assert f"{1 << 27} bytes" in str(find(path))


def test_jpeg_tiles_stream_of_other_size_is_refused(tmp_path: Path, image: np.ndarray) -> None:
    small = tiles_of(write_jpeg_slide(tmp_path / "small.tif", image, tile=(64, 64)))
    large = tiles_of(write_jpeg_slide(tmp_path / "large.tif", image, tile=(128, 128)))
    for tiles, other in ((small, large), (large, small)):
        with other.path.open("rb") as stream:
            mixed = JpegTiles(
                tiles.path, tiles.size, tiles.tile_size, other.offsets, other.counts, other.head
            )
            assert mixed.decode(stream, 0) is None
            assert other.decode(stream, 0) is not None


def test_inspect_shows_how_a_slide_is_read(tmp_path: Path, image: np.ndarray) -> None:
    sparse = write_jpeg_slide(tmp_path / "a.tif", image, missing={9, 33, 34})
    other = write_jpeg_slide(tmp_path / "b.tif", image, compression="lzw")
    shown = CliRunner().invoke(app, ["inspect", str(sparse)]).output
    assert "JPEG tiles" in shown and "because" not in shown and "missing tiles: 3 of 35\n" in shown
    answer = CliRunner().invoke(app, ["inspect", "--json", str(sparse)]).output
    assert json.loads(answer)[0]["facts"]["missing_tiles"] == [3, 35]
    shown = CliRunner().invoke(app, ["inspect", str(other)]).output
    assert "read by: OpenSlide" in shown and "missing tiles" not in shown and "LZW" in shown
