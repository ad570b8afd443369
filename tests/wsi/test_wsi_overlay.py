import numpy as np

from pathgen.wsi.overlay import EXCLUSION_COLOUR, LESION_COLOUR, SQUARE_COLOURS, TISSUE_COLOUR, overlay


def picture(**changed: object) -> np.ndarray:
    tissue = np.zeros((20, 30), bool)
    tissue[5:15, 5:25] = True
    options: dict[str, object] = {
        "thumbnail": np.full((20, 30, 3), 250, np.uint8),
        "tissue": tissue,
        "lesion_outlines": [],
        "exclusion_outlines": [],
        "squares": {},
        "side_px": 30,
        **changed,
    }
    return overlay(**options)  # type: ignore[arg-type]


def has(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (image == np.array(colour, np.uint8)).all(axis=2)


def test_only_the_border_of_tissue_is_drawn() -> None:
    green = has(picture(), TISSUE_COLOUR)
    assert green.sum() == 2 * 20 + 2 * 8
    assert green[5, 5:25].all()
    assert not green[6:14, 6:24].any()


def test_outlines_and_squares_have_their_colours() -> None:
    ring = np.array([[8, 8], [20, 8], [20, 12], [8, 8]], np.float64)
    image = picture(
        lesion_outlines=[ring],
        exclusion_outlines=[ring / 4],
        squares={"tumor": np.array([[10.0, 1.0, 3.0]]), "other": np.array([[20.0, 16.0, 3.0]])},
    )
    assert has(image, LESION_COLOUR)[8, 8:20].all()
    assert has(image, EXCLUSION_COLOUR).any()
    assert has(image, SQUARE_COLOURS["tumor"])[1:4, 10:13].sum() == 8
    assert has(image, (128, 128, 128)).sum() == 8


def test_small_pictures_are_enlarged_by_a_whole_factor_and_large_ones_kept() -> None:
    assert picture(side_px=100).shape == (60, 90, 3)
    assert picture(side_px=4).shape == (20, 30, 3)
    assert (
        has(picture(side_px=60, squares={"tumor": np.array([[0.0, 0.0, 2.0]])}), SQUARE_COLOURS["tumor"])[
            0:4, 0:4
        ].sum()
        == 12
    )


def test_the_thumbnail_is_not_changed() -> None:
    thumbnail = np.full((20, 30, 3), 250, np.uint8)
    picture(thumbnail=thumbnail)
    assert (thumbnail == 250).all()
