import numpy as np
import pytest

from pathgen.wsi.overlay import EXCLUSION_COLOUR, LESION_COLOUR, TISSUE_COLOUR, overlay


def picture(**changed: object) -> np.ndarray:
    tissue = np.zeros((20, 30), bool)
    tissue[5:15, 5:25] = True
    options: dict[str, object] = {
        "thumbnail": np.full((20, 30, 3), 250, np.uint8),
        "tissue": tissue,
        "lesion_outlines": [],
        "exclusion_outlines": [],
        "side_px": 30,
        **changed,
    }
    return overlay(**options)  # type: ignore[arg-type]


def has(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (image == np.array(colour, np.uint8)).all(axis=2)


def test_overlay_shows_the_border_of_tissue_only() -> None:
    green = has(picture(), TISSUE_COLOUR)
    assert green.sum() == 2 * 20 + 2 * 8
    assert green[5, 5:25].all()
    assert not green[6:14, 6:24].any()


def test_overlay_lesions_are_solid_and_exclusions_dashed() -> None:
    ring = np.array([[0, 10], [29, 10]], np.float64)
    assert has(picture(lesion_outlines=[ring]), LESION_COLOUR)[10].all()
    excluded = has(picture(exclusion_outlines=[ring]), EXCLUSION_COLOUR)[10]
    assert 10 <= excluded.sum() <= 24 and not excluded.all()


def test_overlay_dash_goes_around_a_corner() -> None:
    ring = np.array([[3, 3], [18, 3], [18, 18]], np.float64)  # the second dash: 12 to 18 px along it
    excluded = has(picture(exclusion_outlines=[ring]), EXCLUSION_COLOUR)
    assert excluded[3, 15:19].all() and excluded[3:6, 18].all()
    assert not excluded[3, 11:14].any() and not excluded[8:11, 18].any()


@pytest.mark.parametrize(("side_px", "shape"), [(100, (60, 90, 3)), (30, (20, 30, 3)), (15, (10, 15, 3))])
def test_overlay_scales_images_to_the_page(side_px: int, shape: tuple[int, ...]) -> None:
    lesion = np.array([[0, 10], [29, 10]], np.float64)
    image = picture(side_px=side_px, lesion_outlines=[lesion])
    assert image.shape == shape
    factor = side_px // 30 if side_px >= 30 else side_px / 30
    assert has(image, LESION_COLOUR)[int(10 * factor), : int(25 * factor)].all()
    assert has(image, TISSUE_COLOUR)[int(5 * factor), int(10 * factor)]


def test_overlay_leaves_the_thumbnail_unchanged() -> None:
    thumbnail = np.full((20, 30, 3), 250, np.uint8)
    picture(thumbnail=thumbnail)
    assert (thumbnail == 250).all()
