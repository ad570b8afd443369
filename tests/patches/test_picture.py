"""Contact sheets."""

from pathlib import Path

import numpy as np
from PIL import Image

from pathgen.patches.image_grid import patch_grid, save_png


def test_image_grid_fills_rows_on_white() -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 6, 3), np.uint8)
    sheet = patch_grid(images, columns=3)
    assert sheet.shape == (4 + 2 + 4, 6 * 3 + 2 * 2, 3) and sheet.dtype == np.uint8
    for number in range(5):
        top, left = number // 3 * 6, number % 3 * 8
        assert (sheet[top : top + 4, left : left + 6] == number).all()
    assert (sheet[4:6] == 255).all() and (sheet[:, 6:8] == 255).all() and (sheet[6:, 16:] == 255).all()


def test_image_grid_scale_repeats_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 3, 3, 3), dtype=np.uint8)
    sheet = patch_grid(image, columns=1, scale=4)
    assert sheet.shape == (12, 12, 3)
    np.testing.assert_array_equal(sheet[::4, 3::4], image[0])


def test_save_png_is_exact_and_reproducible(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    save_png(image, tmp_path / "deep" / "a.png")
    save_png(image, tmp_path / "b.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "b.png")), image)
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "deep" / "a.png").read_bytes()
