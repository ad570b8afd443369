"""A folder of slides with a CSV table."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pandas as pd
import pytest
from factories.slide_files import (
    annotation_settings,
    source_settings,
    write_annotation,
    write_asap,
    write_slide,
)
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.resample import shrink

_SOURCE = load_source("slide_csv")
_HEADER = "slide,annotation,label,split,patient\n"


def _settings(root: Path, **changes: Any) -> CohortSettings:
    return source_settings("slide_csv", root, slide_csv={"table": "slides.csv"}, **changes)


def _cohort(root: Path, table: str, **changes: Any) -> pd.DataFrame:
    (root / "slides.csv").write_text(table)
    found = _SOURCE.find_cohort(root, _settings(root, **changes), annotation_settings())
    return found.set_index("slide", drop=False)


def _errors(root: Path, table: str) -> list[str]:
    with pytest.raises(PathgenError) as failure:
        _cohort(root, table)
    return str(failure.value).splitlines()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("slides")
    for seed, name in enumerate(("a", "b", "deep/c")):
        write_slide(root / f"{name}.tif", seed=seed, side=512)
    write_annotation(root / "outlines/b.xml", (100, 100, 300, 300))
    return root


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "slides"))


def test_slide_csv_rows_become_slides(root: Path) -> None:
    table = _HEADER + "a.tif,,normal,train,p1\nb.tif,outlines/b.xml,tumor,test,p2\n\ndeep/c.tif,,normal,,\n"
    cohort = _cohort(root, table)
    assert cohort[["path", "annotation", "label", "split", "patient"]].T.to_dict("list") == {
        "a": ["a.tif", None, "normal", "train", "p1"],
        "b": ["b.tif", "outlines/b.xml", "tumor", "test", "p2"],
        "c": ["deep/c.tif", None, "normal", None, None],
    }
    assert cohort["exhaustive"].all()


def test_slide_csv_two_columns_suffice(root: Path) -> None:
    assert _cohort(root, "label,slide\nnormal,a.tif\n")["patient"].tolist() == [None]
    table = "slide,label,annotation,exhaustive\na.tif,normal,,\nb.tif,tumor,outlines/b.xml,no\n"
    assert _cohort(root, table)["exhaustive"].tolist() == [True, False]


def test_slide_csv_all_problems_are_listed(root: Path) -> None:
    rows = [
        "a.tif,,cancer,train,p1",
        "b.tif,,tumor,test,p1",
        "deep/c.tif,outlines/none.xml,tumor,tset,",
        "none.tif,,normal,,",
        "/etc/passwd,,normal,,",
        "../x.tif,,normal,,",
        "deep/a.tif,,normal,,",
    ]
    errors = _errors(root, _HEADER + "\n".join(rows))
    for part in (
        "slides.csv: a: label is 'cancer'. Write one of: normal, tumor",
        "b.tif: b is a tumor slide without an annotation",
        "none.xml: no such",
        "slides.csv: c: split is 'tset'. Write one of: nothing, train, valid, test",
        "none.tif: no such file",
        "passwd: path '/etc/passwd'",
        "x: path '../x.tif'",
        "patient p1: has slides in test and train",
        "deep/a.tif: has the same slide id a as a.tif",
        "deep/a.tif: no such file",
    ):
        assert sum(part in error for error in errors) == 1, (part, errors)
    assert len(errors) == 10


def _save_again(outline: Path, other: Path) -> None:
    """Write the same outline as another program may: other spaces, name and first corner."""
    text = outline.read_text().replace("><", ">\n  <").replace('Name="0"', 'Name="Annotation 0"')
    for order in range(4):
        text = text.replace(f'Order="{order}"', f'Order="{(order + 1) % 4}!"')
    other.write_text(text.replace('!"', '"'))


def _write_geojson(other: Path) -> None:
    ring = [[100, 100], [300, 100], [300, 300], [100, 300], [100, 100]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "geometry": geometry, "properties": {"classification": "Tumor"}}
    other.write_text(json.dumps(feature))


_COPIES = {
    "b.xml": None,  # the same file
    "./b.xml": None,
    "copy.xml": shutil.copy,
    "link.xml": lambda outline, other: other.symlink_to(outline),
    "saved.xml": _save_again,
    "other.geojson": lambda outline, other: _write_geojson(other),
}


@pytest.mark.parametrize(("file", "copy"), _COPIES.items())
def test_slide_csv_annotation_of_two_slides_is_refused(
    root: Path, file: str, copy: Callable[[Path, Path], object] | None
) -> None:
    name = f"outlines/{file}"
    if copy is not None:
        copy(root / "outlines/b.xml", root / name)
    table = f"slide,annotation,label\nb.tif,outlines/b.xml,tumor\ndeep/c.tif,{name},tumor\n"
    (error,) = _errors(root, table)
    assert f"the slides b (outlines/b.xml) and c ({name}) have the same annotation" in error
    # Neither slide is used: one of them has outlines of the other, and it is unknown which.
    skipped = _cohort(root, f"{table}a.tif,,normal\n", on_bad_slide="skip")["skipped"].dropna()
    assert set(skipped.index) == {"b", "c"}
    assert _cohort(root, table, exclude_slides=["c"])["skipped"].count() == 1


def test_slide_csv_empty_annotations_may_be_alike(root: Path) -> None:
    for name in "ac":
        write_asap(root / f"outlines/{name}.xml")
    rows = "a.tif,outlines/a.xml,normal\ndeep/c.tif,outlines/c.xml,normal\n"
    assert len(_cohort(root, f"slide,annotation,label\n{rows}")) == 2
    for name in "ac":
        write_annotation(root / f"outlines/{name}.xml", group="Exclusion")
    (error,) = _errors(root, f"slide,annotation,label\n{rows}")
    assert "have the same annotation" in error


def test_slide_csv_exclusions_around_the_lesions(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    def outline(side: int) -> None:
        (normal, tumor) = (
            [(120, 120), (120 + length, 120), (120 + length, 330), (120, 330)] for length in (side, 200)
        )
        write_asap(root / "outlines/b.xml", ("Tumor", tumor), ("Normal", normal))

    table = "slide,annotation,label\nb.tif,outlines/b.xml,tumor\na.tif,,normal\n"
    outline(210)
    (error,) = _errors(root, table)
    assert "b.xml: its exclusions cover all lesions" in error
    for side, warned in ((120, True), (80, False)):
        outline(side)
        caplog.clear()
        assert _cohort(root, table)["skipped"].isna().all()
        assert ("b.xml: exclusions remove 60 % of the area of its lesions" in caplog.text) == warned


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "is empty (0 bytes)"),
        ("\n", "has the columns none"),
        ("slide,annotation\na.tif,\n", "has the columns slide, annotation"),
        ("slide;label\na.tif;normal\n", "with commas"),
        ("slide,label,colour\na.tif,normal,red\n", "has the columns slide, label, colour"),
        (_HEADER, "contains no row"),
        ("slide,label\na.tif,normal,extra\nb.tif\n", "line 2 has 3 cells instead of 2"),
    ],
)
def test_slide_csv_wrong_table_is_refused(root: Path, table: str, said: str) -> None:
    assert said in _errors(root, table)[0]


def test_slide_csv_missing_table_is_named(root: Path) -> None:
    with pytest.raises(PathgenError, match=r"slides\.csv: no such file"):
        _SOURCE.find_cohort(root, _settings(root), annotation_settings())


def test_slide_csv_unlisted_slides_are_reported(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        _cohort(root, "slide,label\na.tif,normal\n")
    assert "2 slide files" in caplog.text and "b.tif, deep/c.tif" in caplog.text


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_slide_csv_accents_may_be_composed_or_not(root: Path, on_disk: str, in_table: str) -> None:
    folder, slide = "Präparate", "Müller_é"
    spelled = {form: [normalize(form, text) for text in (folder, slide)] for form in ("NFC", "NFD")}
    where = root / spelled[on_disk][0]
    where.mkdir()
    (root / "b.tif").rename(where / f"{spelled[on_disk][1]}.tif")
    (root / "outlines/b.xml").rename(where / f"{spelled[on_disk][1]}.xml")
    name = "/".join(spelled[in_table])
    table = f"slide,label,annotation,patient\na.tif,normal,,{normalize('NFC', 'é')}\n"
    cohort = _cohort(root, f"{table}{name}.tif,tumor,{name}.xml,{normalize('NFD', 'é')}\n")
    row = cohort.loc[normalize("NFC", slide)]
    assert (root / row["path"]).is_file() and (root / row["annotation"]).is_file()
    assert cohort["patient"].nunique() == 1
    listed = _SOURCE.list_files(root, _settings(root))
    assert all(file.is_file() for file in listed) and len(listed) == 2


def test_slide_csv_real_slides_are_read(real_data: Path, tmp_path: Path) -> None:
    for name in ("CMU-1-Small-Region.svs", "tumor_001_sparse_crop.tif", "tumor_001_sparse_crop.xml"):
        (tmp_path / name).symlink_to(real_data / "slides" / name)
    table = (
        "slide,label,annotation\nCMU-1-Small-Region.svs,normal,\n"
        "tumor_001_sparse_crop.tif,tumor,tumor_001_sparse_crop.xml\n"
    )
    cohort = _cohort(tmp_path, table)
    assert cohort["mpp_x"].round(3).tolist() == [0.499, 0.243]
    assert cohort.loc["tumor_001_sparse_crop", ["width_px", "height_px", "levels"]].tolist() == [
        3840,
        11520,
        4,
    ]


def test_slide_csv_real_patches_equal_the_published_ones(real_data: Path) -> None:
    described = json.loads((real_data / "slides/tumor_001_sparse_crop.json").read_text())["patches"]
    rows = pd.DataFrame(described).rename(columns={"x": "x_l0", "y": "y_l0"})
    rows = rows.assign(file="tumor_001_sparse_crop.tif", size_l0=256)
    settings = _settings(real_data / "slides")
    images = _SOURCE.read_patches(real_data / "slides", rows, 64, settings, 2).images
    for image, place in zip(images, described, strict=True):
        name = f"{place['label']}/tumor_001_{place['level0_x']}_{place['level0_y']}.png"
        png = np.asarray(Image.open(real_data / "camelyon16_patches_40x" / name))
        np.testing.assert_array_equal(image, shrink(png, 64))
