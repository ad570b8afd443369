"""Where patches are marked on a slide's picture, and how; the text below it."""

import numpy as np
import pandas as pd
import pytest
from factories.cohort import HEIGHT_PX, WIDTH_PX, outlined
from PIL import Image, ImageDraw

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES
from pathgen.survey.legend import mark_sign, scale_bar_mm, with_legend
from pathgen.survey.patch_overlay import MARK_COLOURS, fade, has_colour, mark_patches, mark_side
from pathgen.wsi.overlay import EXCLUSION_COLOUR, LESION_COLOUR, TISSUE_COLOUR

SLIDE = (WIDTH_PX, HEIGHT_PX)


def patches(
    *places: tuple[int, int], size: int = 200, label: str = "normal", role: str = "test"
) -> pd.DataFrame:
    x, y = zip(*places, strict=True)
    return pd.DataFrame({"x_l0": x, "y_l0": y, "size_l0": size, "label": label, "role": role})


def blank(width: int = 300, height: int = 200) -> np.ndarray:
    return np.full((height, width, 3), 250, np.uint8)


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("place", [(0, 0), (1400, 900), (2800, 1800)])
def test_a_mark_covers_what_the_patch_covers(scale: int, place: tuple[int, int]) -> None:
    picture = blank(300 * scale, 200 * scale)
    marked = mark_patches(picture, patches(place), SLIDE)
    assert marked.patch_px == marked.mark_px == 20 * scale
    y, x = np.nonzero(has_colour(marked.picture, MARK_COLOURS["normal"]))
    left, top = place[0] * scale // 10, place[1] * scale // 10
    assert (x.min(), x.max(), y.min(), y.max()) == (left, left + 20 * scale - 1, top, top + 20 * scale - 1)


def test_class_is_told_by_colour_and_role_by_sign_alone() -> None:
    signs = {(label, role): mark_sign(label, role) for label in LABELS for role in ROLES}
    for label in LABELS:
        shapes = {role: (signs[label, role] != 255).any(axis=2) for role in ROLES}
        assert len({shape.tobytes() for shape in shapes.values()}) == len(ROLES)
        assert all(has_colour(signs[label, role], MARK_COLOURS[label]).any() for role in ROLES)
    for role in ROLES:
        np.testing.assert_array_equal(
            (signs["normal", role] != 255).any(axis=2), (signs["tumor", role] != 255).any(axis=2)
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
def test_colours_of_the_classes_keep_apart_for_the_colour_blind(kind: str) -> None:
    seen = []
    for colour in MARK_COLOURS.values():
        value = np.array(colour) / 255
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        mixed = np.clip(np.array(_BLIND.get(kind, np.eye(3))) @ linear, 0, 1)
        seen.append(np.where(mixed <= 0.0031308, mixed * 12.92, 1.055 * mixed ** (1 / 2.4) - 0.055))
    assert np.abs(seen[0] - seen[1]).max() > 0.35


def test_marks_are_at_least_legible_and_shrink_where_patches_crowd() -> None:
    apart = np.array([[0.0, 0], [100, 0], [0, 100]])
    assert mark_side(apart, 2.0) == 11 and mark_side(apart, 40.0) == 40
    crowded = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), -1).reshape(-1, 2)
    assert mark_side(crowded * 9, 30.0) == 9
    assert mark_side(crowded, 30.0) == 7
    assert mark_side(np.zeros((4, 2)), 30.0) == 7
    assert mark_side(apart[:1], 2.0) == 11


def test_lesions_stay_above_the_marks_and_all_lines_above_the_fading() -> None:
    picture = outlined()
    pale = fade(picture)
    for colour in (TISSUE_COLOUR, LESION_COLOUR, EXCLUSION_COLOUR):
        np.testing.assert_array_equal(has_colour(pale, colour), has_colour(picture, colour))
    assert (pale[100, 100] > picture[100, 100]).all()
    over = patches((200, 1000), (800, 1000), size=400, role="train")
    marked = mark_patches(picture, over, SLIDE).picture
    np.testing.assert_array_equal(has_colour(marked, LESION_COLOUR), has_colour(picture, LESION_COLOUR))


def test_a_slide_without_patches_is_only_made_paler() -> None:
    picture = outlined()
    marked = mark_patches(picture, patches((0, 0)).iloc[:0], SLIDE)
    assert (marked.patch_px, marked.mark_px) == (0, 0)
    np.testing.assert_array_equal(marked.picture, fade(picture))


def words_drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, str]]:
    """Note the text that is drawn, and where it ends."""
    said: list[tuple[float, str]] = []
    real = ImageDraw.ImageDraw.text

    def text(
        pen: ImageDraw.ImageDraw, xy: tuple[float, float], words: str, *rest: object, **named: object
    ) -> None:
        said.append((xy[0] + named["font"].getlength(words), words))  # type: ignore[attr-defined]
        real(pen, xy, words, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return said


def test_the_legend_counts_patches_and_names_the_lines_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    said = words_drawn(monkeypatch)
    drawn = pd.concat(
        [patches((0, 0), (900, 0)), patches((0, 900), label="tumor", role="nonmember")], ignore_index=True
    )
    picture = outlined()
    sheet = with_legend(picture, mark_patches(picture, drawn, SLIDE), drawn, "slide a", 0.75)
    words = [words for _, words in said]
    assert words == [
        "slide a",
        "0.2 mm",
        "normal, test: 2",
        "tumour, non-member: 1",
        "outline of tissue",
        "outline of lesion",
        "outline of exclusion",
    ]
    assert sheet.shape[1] == 640 and sheet.shape[0] > 200
    bar = (sheet[200:] == (20, 20, 20)).all(axis=2).sum(axis=1).max()
    assert bar >= 80, "0.2 of 0.75 mm is 80 of 300 px"
    said.clear()
    plain = blank()
    with_legend(plain, mark_patches(plain, drawn[:0], SLIDE), drawn[:0], "b", None)
    assert [words for _, words in said] == ["b", "No patch was drawn from this slide."]


def test_no_text_is_cut_off_however_long_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    said = words_drawn(monkeypatch)
    drawn = pd.concat(
        [
            patches((index * 300, 0), label=label, role=role)
            for label in LABELS
            for index, role in enumerate(ROLES)
        ],
        ignore_index=True,
    )
    narrow = blank(40, 200)
    sheet = with_legend(narrow, mark_patches(narrow, drawn, SLIDE), drawn, "a long name " * 12, 1.0)
    assert max(end for end, _ in said) <= sheet.shape[1]


@pytest.mark.parametrize(("width", "bar"), [(0.75, 0.2), (40.0, 10.0), (300.0, 20.0), (0.001, 0.01)])
def test_scale_bars_are_round_lengths(width: float, bar: float) -> None:
    assert scale_bar_mm(width) == bar


def test_signs_on_the_picture_are_those_of_the_legend() -> None:
    """Large marks are tinted where the legend's sign is filled; the strokes are the same."""
    for role in ROLES:
        marked = mark_patches(blank(), patches((300, 300), size=150, role=role), SLIDE).picture
        stroke = has_colour(marked[30:45, 30:45], MARK_COLOURS["normal"])
        sign = has_colour(np.asarray(Image.fromarray(mark_sign("normal", role))), MARK_COLOURS["normal"])
        if role == "train":
            assert sign.all() and not stroke[7, 7] and (marked[37, 37] != fade(blank())[37, 37]).any()
        else:
            np.testing.assert_array_equal(stroke, sign)
