import json
import logging
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from factories.jpeg_slides import set_tag, spoil_tile, write_lossless_slide
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.wsi.reader import on_white, open_slide
from pathgen.wsi.tiff import check_complete, tiff_facts


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (300, 500, 3), dtype=np.uint8)


def refusal(path: Path, **options: float) -> PathgenError:
    with pytest.raises(PathgenError) as caught:
        open_slide(path, **options).close()
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return caught.value


def test_slide_level_0_pixels_equal_the_file(tmp_path: Path, noise: np.ndarray) -> None:
    with open_slide(write_lossless_slide(tmp_path / "a.tif", noise)) as slide:
        assert slide.dimensions == (500, 300)
        assert slide.level_dimensions == ((500, 300), (250, 150), (125, 75))
        assert slide.vendor == "generic-tiff"
        region = slide.read_region_l0(70, 30, 100, 50)
        assert region.dtype == np.uint8
        np.testing.assert_array_equal(region, noise[30:80, 70:170])
        assert slide.overview(1).coverage.all()
        beyond = slide.read_region_l0(490, 290, 20, 20)
        assert beyond[:, 10:].min() == beyond[10:].min() == 255
        np.testing.assert_array_equal(beyond[:10, :10], noise[290:, 490:])


def test_slide_jpeg_tiles_have_their_resolution(tmp_path: Path) -> None:
    image = np.full((300, 300, 3), (180, 90, 150), np.uint8)
    path = write_lossless_slide(tmp_path / "a.tif", image, mpp=0.243, compression="jpeg")
    with open_slide(path) as slide:
        assert slide.mpp == pytest.approx((0.243, 0.243), rel=1e-6)
        assert np.abs(slide.read_region_l0(0, 0, 300, 300).astype(int) - image).max() <= 4
    facts = tiff_facts(path)
    assert facts is not None
    assert (facts.compression, facts.tile_px, facts.tiled, facts.whole) == ("JPEG", (64, 64), True, True)


def test_slide_missing_tiles_are_white_and_known(tmp_path: Path, noise: np.ndarray) -> None:
    missing = np.zeros((300, 500), bool)
    missing[64:128, 128:256] = True
    with open_slide(write_lossless_slide(tmp_path / "a.tif", noise, missing={10, 11})) as slide:
        region = slide.read_region_l0(0, 0, 500, 300)
        assert region[missing].min() == 255
        np.testing.assert_array_equal(region[~missing], noise[~missing])
        overview = slide.overview(1)
        np.testing.assert_array_equal(overview.coverage, ~missing)
        np.testing.assert_array_equal(overview.image, region)


def test_slide_transparent_pixels_are_blended_with_white() -> None:
    rgba = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 0, 0, 128]]], np.uint8)
    assert on_white(rgba).tolist() == [[[255] * 3, [10, 20, 30], [127] * 3]]


def test_slide_downsamples_are_read(tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (299, 501, 3), dtype=np.uint8)
    with open_slide(write_lossless_slide(tmp_path / "a.tif", image, steps=(1, 2, 8))) as slide:
        assert slide.level_dimensions[2] == (62, 37)
        assert slide.downsamples[2] == pytest.approx((501 / 62 + 299 / 37) / 2)
        overview = slide.overview(9)
        assert overview.downsample == (501 / 62, 299 / 37)
        assert overview.image.shape == (37, 62, 3)


def test_slide_thumbnail_of_a_single_level_is_the_block_mean(tmp_path: Path, noise: np.ndarray) -> None:
    with open_slide(write_lossless_slide(tmp_path / "a.tif", noise, steps=(1,))) as slide:
        overview = slide.overview(7.9, strip_pixels=500 * 15)  # 2 x 7 rows: the seams must not show
    assert overview.downsample == (7.0, 7.0)
    np.testing.assert_array_equal(overview.image, np.asarray(Image.fromarray(noise).reduce(7)))


@pytest.mark.parametrize(("unit", "mpp"), [("NONE", 1.0), ("INCH", 25400 / 72), ("CENTIMETER", 25.0)])
def test_slide_without_resolution_is_refused(
    tmp_path: Path, noise: np.ndarray, unit: str, mpp: float
) -> None:
    path = write_lossless_slide(tmp_path / "a.tif", noise, unit=unit, mpp=mpp)
    assert "cohort.mpp_if_missing" in refusal(path).hint
    with open_slide(path, 0.5) as slide:
        assert slide.mpp == (0.5, 0.5)


@pytest.mark.parametrize("compression", ["jpeg", "adobe_deflate"])
def test_slide_damaged_tile_raises(tmp_path: Path, noise: np.ndarray, compression: str) -> None:
    path = write_lossless_slide(tmp_path / "a.tif", noise, compression=compression)
    spoil_tile(path, 5, keep=0.5)
    with open_slide(path) as slide:
        with pytest.raises(PathgenError, match=r"a\.tif: level 0 at \(320, 0\) cannot be read"):
            slide.read_region_l0(320, 0, 64, 64)
        with pytest.raises(PathgenError):  # OpenSlide stays failed, also for good tiles.
            slide.read_region_l0(0, 0, 64, 64)
    with open_slide(path) as slide:  # Opened anew it reads the good ones.
        assert slide.read_region_l0(0, 0, 64, 64).shape == (64, 64, 3)
        with pytest.raises(PathgenError):
            slide.overview(1)


def test_slide_truncated_while_open_raises(tmp_path: Path, noise: np.ndarray) -> None:
    path = write_lossless_slide(tmp_path / "a.tif", noise)
    with tifffile.TiffFile(path) as tiff:
        last = tiff.pages.first.dataoffsets[-1]
    with open_slide(path) as slide:
        os.truncate(path, last + 5)
        with pytest.raises(PathgenError, match="cannot be read"):
            slide.read_region_l0(448, 256, 52, 44)


@pytest.mark.parametrize("part", [0.00001, 0.001, 0.2, 0.6, 0.97, 0.999])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_slide_truncated_file_is_named_so(
    tmp_path: Path,
    noise: np.ndarray,
    part: float,
    bigtiff: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = write_lossless_slide(tmp_path / "a.tif", noise, bigtiff=bigtiff)
    check_complete(path)
    os.truncate(path, int(path.stat().st_size * part))
    assert "truncated" in refusal(path).reason
    with pytest.raises(PathgenError, match="truncated"):
        check_complete(path)
    assert not caplog.records  # tifffile's remarks would make it more than one line


def test_slide_other_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.svs").reason == "no such file"
    assert "folder" in refusal(tmp_path).reason
    (tmp_path / "empty.tif").touch()
    assert "empty" in refusal(tmp_path / "empty.tif").reason
    (tmp_path / "text.svs").write_text("no slide")
    assert "is text that begins with" in refusal(tmp_path / "text.svs").reason
    tifffile.imwrite(tmp_path / "strips.tif", np.zeros((50, 50, 3), np.uint8), photometric="rgb")
    assert "strips" in refusal(tmp_path / "strips.tif").reason


def test_slide_check_finds_a_missing_tile_at_the_end(tmp_path: Path, noise: np.ndarray) -> None:
    """OpenSlide opens this file: only the place of every tile shows that pixels are missing."""
    path = write_lossless_slide(tmp_path / "a.tif", noise)
    set_tag(path, "TileOffsets", -1, path.stat().st_size - 3)
    with open_slide(path) as slide, pytest.raises(PathgenError, match="truncated"):
        slide.check()


def write_tiled(path: Path, *images: np.ndarray, photometric: str = "rgb") -> Path:
    options = {"tile": (64, 64), "resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as writer:
        for image in images:
            writer.write(image, photometric=photometric, **options)
    return path


def test_slide_check_refuses_pixels_that_openslide_reads_in_part(tmp_path: Path, noise: np.ndarray) -> None:
    channels = np.concatenate([noise, noise[..., :1]], axis=2)
    for path, reason in (
        (write_tiled(tmp_path / "channels.tif", channels, photometric="minisblack"), "is a greyscale image"),
        (write_tiled(tmp_path / "deep.tif", noise.astype(np.uint16) * 16), "has 16 bits per channel"),
        (write_tiled(tmp_path / "grey.tif", noise[..., 0], photometric="minisblack"), "is a greyscale image"),
        (write_tiled(tmp_path / "pages.tif", noise, 255 - noise), "holds 2 images of full size"),
    ):
        with open_slide(path) as slide, pytest.raises(PathgenError, match=reason):
            slide.check()
    for path in (
        write_tiled(tmp_path / "sound.tif", noise),
        write_tiled(tmp_path / "unmarked_level.tif", noise, noise[::2, ::2]),
    ):
        with open_slide(path) as slide:
            slide.check()


def test_slide_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    # Permissions do not bind the superuser, as whom tests may run.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "readable" in refusal(tmp_path / "a.tif").reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken.svs", "is text"),
        ("unopenable.tiff", "compression"),
        ("truncated_cmu.svs", "truncated"),
        ("kidney-48-5.tif", "strips"),
        ("Mirax2-Fluorescence-2.mrxs", "data folder Mirax2-Fluorescence-2/ is missing"),
        ("zero_gi.tif", "strips"),
        ("empty.xml", "empty"),
        ("truncated_tumor_002.xml", "is XML"),
    ],
)
def test_slide_bad_files_name_the_reason(
    real_data: Path,
    name: str,
    reason: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert reason in refusal(real_data / "bad" / name).reason
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_slide_real_svs_is_read(real_data: Path) -> None:
    with open_slide(real_data / "slides" / "CMU-1-Small-Region.svs") as slide:
        assert slide.mpp == (0.499, 0.499)
        assert slide.dimensions == (2220, 2967)
        assert slide.vendor == "aperio"
        assert slide.read_region_l0(1000, 1500, 128, 128).std() > 5


def test_slide_real_crop_holds_the_published_patches(real_data: Path) -> None:
    folder = real_data / "slides"
    crop = json.loads((folder / "tumor_001_sparse_crop.json").read_text())
    with open_slide(folder / "tumor_001_sparse_crop.tif") as slide:
        assert slide.mpp == pytest.approx((0.243, 0.243), rel=1e-3)
        for patch in crop["patches"]:
            name = f"tumor_001_{patch['level0_x']}_{patch['level0_y']}.png"
            with Image.open(real_data / "camelyon16_patches_40x" / patch["label"] / name) as published:
                expected = np.asarray(published.convert("RGB"))
            np.testing.assert_array_equal(slide.read_region_l0(patch["x"], patch["y"], 256, 256), expected)
