"""Marks of sampled patches on a slide's picture."""

import numpy as np
import pandas as pd
import pytest
from factories.cohort import HEIGHT_PX, WIDTH_PX, outlined

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES
from pathgen.survey.slide_overlay import MARK_COLOURS, mark_patches, mark_sign, with_scale_bar
from pathgen.wsi.overlay import EXCLUSION_COLOUR, LESION_COLOUR, Colour

SLIDE = (WIDTH_PX, HEIGHT_PX)


def patches(
    *places: tuple[int, int], size: int = 200, label: str = "normal", role: str = "test"
) -> pd.DataFrame:
    x, y = zip(*places, strict=True)
    return pd.DataFrame({"x_l0": x, "y_l0": y, "size_l0": size, "label": label, "role": role})


def blank(width: int = 300, height: int = 200) -> np.ndarray:
    return np.full((height, width, 3), 250, np.uint8)


def has_colour(picture: np.ndarray, colour: Colour) -> np.ndarray:
    return (picture == colour).all(axis=2)


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("place", [(0, 0), (1400, 900), (2800, 1800)])
def test_mark_covers_the_patch(scale: int, place: tuple[int, int]) -> None:
    marked = mark_patches(blank(300 * scale, 200 * scale), patches(place), SLIDE)
    y, x = np.nonzero(has_colour(marked, MARK_COLOURS["normal"]))
    left, top = place[0] * scale // 10, place[1] * scale // 10
    assert (x.min(), x.max(), y.min(), y.max()) == (left, left + 20 * scale - 1, top, top + 20 * scale - 1)


def test_mark_of_a_tiny_patch_is_legible() -> None:
    marked = mark_patches(blank(), patches((1500, 1000), size=10), SLIDE)
    y, x = np.nonzero(has_colour(marked, MARK_COLOURS["normal"]))
    assert (np.ptp(x), np.ptp(y)) == (6, 6)


def test_mark_shows_class_by_colour_and_role_by_sign() -> None:
    signs = {(label, role): mark_sign(label, role) for label in LABELS for role in ROLES}
    for label in LABELS:
        shapes = {role: has_colour(signs[label, role], MARK_COLOURS[label]) for role in ROLES}
        assert len({shape.tobytes() for shape in shapes.values()}) == len(ROLES)
    for role in ROLES:
        np.testing.assert_array_equal(
            (signs["normal", role] != 255).any(axis=2), (signs["tumor", role] != 255).any(axis=2)
        )


@pytest.mark.parametrize("role", ROLES)
def test_mark_on_the_picture_is_that_of_the_legend(role: str) -> None:
    marked = mark_patches(blank(), patches((300, 300), size=150, role=role), SLIDE)
    colour = MARK_COLOURS["normal"]
    np.testing.assert_array_equal(
        has_colour(marked[30:45, 30:45], colour), has_colour(mark_sign("normal", role), colour)
    )


# Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009): severity 1.0, on linear RGB.
_BLIND = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("kind", [*_BLIND, "none"])
def test_mark_colours_differ_for_the_colour_blind(kind: str) -> None:
    seen = []
    for colour in MARK_COLOURS.values():
        value = np.array(colour) / 255
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        mixed = np.clip(np.array(_BLIND.get(kind, np.eye(3))) @ linear, 0, 1)
        seen.append(np.where(mixed <= 0.0031308, mixed * 12.92, 1.055 * mixed ** (1 / 2.4) - 0.055))
    assert np.abs(seen[0] - seen[1]).max() > 0.35


def test_outlines_stay_on_top_of_the_marks() -> None:
    picture = outlined()
    marked = mark_patches(picture, patches((200, 1000), (800, 1000), size=400, role="train"), SLIDE)
    for colour in (LESION_COLOUR, EXCLUSION_COLOUR):
        assert has_colour(picture, colour).any()
        assert has_colour(marked, colour)[has_colour(picture, colour)].all()


def test_slide_without_patches_is_only_paler() -> None:
    picture = outlined()
    marked = mark_patches(picture, patches((0, 0)).iloc[:0], SLIDE)
    assert (marked >= picture).all() and (marked > picture).any()


@pytest.mark.parametrize(
    ("width_mm", "length_px"), [(0.75, 40), (20.0, 75), (10.0, 60), (100.0, 60), (9.0, 67)]
)
def test_scale_bar_is_a_round_length_of_at_most_a_quarter(width_mm: float, length_px: int) -> None:
    drawn = with_scale_bar(blank(), width_mm)
    assert (drawn[193, 6 : 6 + length_px] == 0).all() and drawn[193, 8 + length_px].any()
    assert (drawn[:150] == 250).all() and (drawn[:, 120:] == 250).all()
