"""Outlines that do not fit their slide are named before anything is cut or trained."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from factories.jpeg_slides import write_jpeg_slide
from factories.slide_cohort import cohort_settings
from factories.slide_files import annotation_settings, phantom_settings, source_settings, write_asap
from PIL import Image, ImageDraw
from shapely import MultiPolygon, Polygon
from shapely.affinity import affine_transform, scale, translate

from pathgen.core import layout
from pathgen.core.errors import PathgenErrors
from pathgen.inspect.source_facts import source_facts
from pathgen.phantom.phantom_dataset import write_phantom
from pathgen.phantom.writers import write_annotations
from pathgen.sources.camelyon16 import find_cohort as find_camelyon16
from pathgen.sources.outline_check import pictures_in
from pathgen.sources.slide_csv import find_cohort
from pathgen.webpage.pictures import open_picture
from pathgen.wsi.annotations import read_annotations

SIDE, MPP = 768, 0.5
Spoil = Callable[[MultiPolygon], MultiPolygon]
MIRRORED: Spoil = lambda area: affine_transform(area, [-1, 0, 0, 1, SIDE, 0])  # noqa: E731


def _upper_part(area: MultiPolygon) -> MultiPolygon:
    """Return what an earlier version has of a lesion."""
    left, top, _, _ = area.bounds
    return MultiPolygon([shapely.box(left, top, left + 150, top + 170)])


def _draw_lesion(rng: np.random.Generator) -> MultiPolygon:
    """Return an L-shaped lesion of a random size, which no mirror image covers."""
    x, y = rng.integers(140, 210, 2).tolist()
    long, wide = rng.integers(330, 390), rng.integers(110, 150)
    ring = [(0, 0), (wide, 0), (wide, long - wide), (long, long - wide), (long, long), (0, long)]
    return MultiPolygon([Polygon([(x + float(a), y + float(b)) for a, b in ring])])


def _write_slide(path: Path, lesion: MultiPolygon, rng: np.random.Generator, contrast: float) -> None:
    """Draw pink tissue; lesions are darker and coarser by the contrast, with a stain of the slide's own."""
    inside = Image.new("L", (SIDE, SIDE))
    for polygon in lesion.geoms:
        ImageDraw.Draw(inside).polygon([tuple(at) for at in polygon.exterior.coords], fill=255)
    share = np.asarray(inside, dtype=float)[..., None] / 255 * contrast
    grain = rng.normal(0, 1, (SIDE // 8, SIDE // 8, 1)).repeat(8, 0).repeat(8, 1)
    image = np.array((215, 150, 190)) + rng.normal(0, 4, 3) - share * (60, 40, 20) + grain * (6 + 12 * share)
    glass = np.ones((SIDE, SIDE), bool)
    glass[64:-64, 64:-48] = False
    image[glass] = 245
    write_jpeg_slide(path, image.clip(0, 255).astype(np.uint8), tile=(256, 256), steps=(1, 2, 4, 8), mpp=MPP)


def _write_slides(root: Path, count: int, contrast: float = 1.0) -> Path:
    """Write slides with lesions, and the right outlines."""
    for number in range(count):
        rng = np.random.default_rng(number)
        lesion = _draw_lesion(rng)
        _write_slide(root / f"s{number}.tif", lesion, rng, contrast)
        _outline(root, f"s{number}", lesion)
    return root


def _list(root: Path, count: int, spoilt: dict[str, Spoil]) -> None:
    """List the first slides, and change outlines."""
    rows = [f"s{number}.tif,tumor,s{number}.xml\n" for number in range(count)]
    (root / "slides.csv").write_text("slide,label,annotation\n" + "".join(rows))
    for name, spoil in spoilt.items():
        _outline(root, name, spoil(_draw_lesion(np.random.default_rng(int(name[1:])))))


def _outline(root: Path, name: str, area: MultiPolygon) -> None:
    rings = [[(x, y) for x, y in polygon.exterior.coords[:-1]] for polygon in area.geoms]
    write_asap(root / f"{name}.xml", *[("Tumor", ring) for ring in rings])


def _named(root: Path, **changes: Any) -> dict[str, str]:
    """Return the slides that the stage cohort refuses, with the reasons."""
    try:
        with pictures_in(layout.IMPLAUSIBLE_OUTLINES):
            find_cohort(root, cohort_settings(root, **changes), annotation_settings())
    except PathgenErrors as problem:
        return {Path(error.subject).stem: str(error) for error in problem.errors}
    return {}


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_slides(tmp_path_factory.mktemp("outlined"), 14)


@pytest.fixture
def root(slides: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # where the pictures are written
    return Path(shutil.copytree(slides, tmp_path / "slides"))


def test_outlines_that_do_not_fit_are_named_with_a_picture_and_no_others(root: Path) -> None:
    other = _draw_lesion(np.random.default_rng(99))
    spoilt: dict[str, Spoil] = {
        "s1": lambda area: translate(area, 130, 130),
        "s3": MIRRORED,
        "s5": lambda area: scale(area, 0.5, 0.5, origin=(0, 0)),
        "s8": lambda _: affine_transform(other, [0, -1, 1, 0, SIDE - 100, 0]),
    }
    _list(root, 14, spoilt)
    named = _named(root)
    assert set(named) == set(spoilt)
    assert "moved by about (-128, -128) px" in named["s1"]
    assert "mirrored left to right" in named["s3"]
    assert "scaled by 2" in named["s5"]
    for name, message in named.items():
        assert len(message.splitlines()) == 1 and "cohort.accepted_outlines" in message
        picture = layout.IMPLAUSIBLE_OUTLINES / f"{name}.png"
        assert str(picture) in message and open_picture(picture).size == (1008, 1008)
    assert len(list(layout.IMPLAUSIBLE_OUTLINES.iterdir())) == len(spoilt)
    _list(root, 14, dict.fromkeys(spoilt, lambda area: area))
    assert _named(root) == {}
    assert not layout.IMPLAUSIBLE_OUTLINES.exists()


def test_accepted_outlines_and_warn_let_the_study_go_on(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    _list(root, 8, {"s2": MIRRORED})
    assert set(_named(root)) == {"s2"}
    assert _named(root, accepted_outlines=["s2"]) == {}
    assert "no slide 'x'" in next(iter(_named(root, accepted_outlines=["s2", "x"]).values()))
    with caplog.at_level(logging.WARNING):
        assert _named(root, implausible_outlines="warn") == {}
    assert "s2.xml: does not seem to outline the lesions of s2" in caplog.text
    assert "The outlines are used nevertheless" in caplog.text
    settings = cohort_settings(root, on_bad_slide="skip")
    found = find_cohort(root, settings, annotation_settings()).set_index("slide")
    assert found["skipped"].notna().to_dict() == {f"s{number}": number == 2 for number in range(8)}


def test_lesions_that_do_not_differ_are_not_judged_by_their_appearance(root: Path) -> None:
    _write_slides(root, 8, contrast=0.0)
    _list(root, 8, {"s2": MIRRORED})
    assert _named(root) == {}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda area: scale(area, 1 / 8, 1 / 8, origin=(0, 0)), "only .* on tissue .scaled by 8, "),
        (lambda area: translate(area, 0, 300), "of the outlined area is beyond the edges"),
    ],
    ids=["on level 3", "over the edge"],
)
def test_few_slides_are_compared_with_their_tissue_and_edges(root: Path, spoil: Spoil, said: str) -> None:
    _list(root, 2, {"s1": spoil})
    drawn = layout.IMPLAUSIBLE_OUTLINES / "of_an_earlier_run.png"
    drawn.parent.mkdir(parents=True)
    drawn.touch()
    with pytest.raises(PathgenErrors, match=f"s1.xml: does not seem to outline the lesions of s1: .*{said}"):
        source_facts(root, cohort_settings(root))
    assert list(drawn.parent.iterdir()) == [drawn]  # inspecting leaves pictures as they are
    assert set(_named(root)) == {"s1"}
    assert [file.name for file in drawn.parent.iterdir()] == ["s1.png"]


def test_outlines_in_micrometres_are_named(root: Path) -> None:
    _list(root, 8, {"s4": lambda area: scale(area, MPP, MPP, origin=(0, 0))})
    assert "scaled by 2" in _named(root)["s4"]


def test_unlisted_lesions_are_no_reason_where_not_all_are_outlined(root: Path) -> None:
    _list(root, 8, {"s6": _upper_part})
    assert set(_named(root)) == {"s6"}
    table = (root / "slides.csv").read_text().replace("annotation\n", "annotation,exhaustive\n")
    table = table.replace(".xml\n", ".xml,yes\n").replace("s6.xml,yes", "s6.xml,no")
    (root / "slides.csv").write_text(table)
    assert _named(root) == {}


@pytest.mark.long
def test_five_of_thirty_phantom_slides_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = {"normal_slides": 0, "test_normal_slides": 0, "test_tumor_slides": 0, "workers": 2}
    write_phantom(tmp_path / "a", phantom_settings(seed=1, tumor_slides=30, **sizes))
    write_phantom(tmp_path / "b", phantom_settings(seed=2, tumor_slides=5, **sizes))

    def outlines(folder: str, number: int) -> Path:
        return tmp_path / folder / f"training/lesion_annotations/tumor_{number:03d}.xml"

    def first_draft(area: MultiPolygon) -> MultiPolygon:
        """Return a square of 0.1 mm in the largest lesion."""
        inside = max(area.geoms, key=lambda part: part.area).representative_point()
        return MultiPolygon([shapely.box(*(inside.x - 96, inside.y - 96), *(inside.x + 96, inside.y + 96))])

    drawn = {number: read_annotations(outlines("a", number)).tumor() for number in range(1, 31)}
    side = 1536
    spoilt = {
        1: translate(drawn[1], -300, -200),
        2: scale(drawn[2], 0.5, 0.5, origin=(0, 0)),
        3: affine_transform(drawn[3], [-1, 0, 0, 1, side, 0]),
        4: read_annotations(outlines("b", 4)).tumor(),
        5: first_draft(drawn[5]),
    }
    for number, area in spoilt.items():
        polygons = [Polygon(polygon.exterior) for polygon in area.geoms]
        holes = [Polygon(ring) for polygon in area.geoms for ring in polygon.interiors]
        write_annotations(outlines("a", number), polygons, holes)
    settings = source_settings("camelyon16", tmp_path / "a")
    with pytest.raises(PathgenErrors) as failure:
        find_camelyon16(tmp_path / "a", settings, annotation_settings())
    named = {Path(error.subject).stem for error in failure.value.errors}
    assert named == {f"tumor_{number:03d}" for number in spoilt}
