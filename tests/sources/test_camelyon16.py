"""Camelyon16's layout, from slides to patch sets."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories.sampling import sample_settings
from factories.slide_cohort import index_settings
from factories.slide_files import (
    LESION,
    annotation_settings,
    job_settings,
    source_settings,
    write_annotation,
    write_asap,
    write_camelyon16,
    write_slide,
)

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.patches.parquet import read_table
from pathgen.patches.sampling import sample_cohort
from pathgen.patches.schemas import COHORT, check_table
from pathgen.patches.store import open_patch_set
from pathgen.sources.camelyon16 import NOT_EXHAUSTIVE
from pathgen.sources.extract import extract_cohort
from pathgen.sources.index import index_cohort
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.reader import open_slide
from pathgen.wsi.resample import shrink

_SOURCE = load_source("camelyon16")


def _settings(root: Path, **changes: object) -> CohortSettings:
    return source_settings("camelyon16", root, **changes)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("camelyon16")
    write_camelyon16(root)
    return root


@pytest.fixture
def root(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "camelyon16"))


def _cohort(root: Path, groups: dict[str, str] | None = None, **changes: object) -> pd.DataFrame:
    annotations = annotation_settings(groups=groups or {})
    return _SOURCE.find_cohort(root, _settings(root, **changes), annotations).set_index("slide", drop=False)


def _errors(root: Path) -> list[str]:
    with pytest.raises(PathgenError) as failure:
        _cohort(root)
    return str(failure.value).splitlines()


def test_camelyon16_joins_by_slide_id(original: Path) -> None:
    cohort = _cohort(original)
    check_table(cohort, COHORT, "cohort")
    assert cohort[["label", "split", "annotation"]].T.to_dict("list") == {
        "normal_001": ["normal", "train", None],
        "normal_002": ["normal", "train", None],
        "test_001": ["normal", "test", None],
        "test_002": ["tumor", "test", "testing/lesion_annotations/test_002.xml"],
        "tumor_001": ["tumor", "train", "lesion_annotations/tumor_001.xml"],
        "tumor_010": ["tumor", "train", "training/lesion_annotations/tumor_010.xml"],
    }
    assert cohort.loc["tumor_001", ["path", "width_px", "levels"]].tolist() == [
        "training/tumor/tumor_001.tif", 512, 2,
    ]  # fmt: skip
    assert cohort["mpp_x"].to_numpy() == pytest.approx(0.25, rel=1e-3)
    assert not cohort["exhaustive"]["tumor_010"] and cohort["exhaustive"].sum() == 5
    assert cohort["skipped"].isna().all()


def test_camelyon16_not_exhaustive_slides_are_the_published_ones() -> None:
    assert len(NOT_EXHAUSTIVE) == 21 and {"tumor_010", "tumor_110", "test_114"} <= NOT_EXHAUSTIVE


def test_camelyon16_tumor_slide_without_annotation_is_an_error(root: Path) -> None:
    (root / "lesion_annotations/tumor_001.xml").unlink()
    (root / "testing/lesion_annotations/test_002.xml").unlink()
    first, second = _errors(root)
    assert "test_002.tif: test_002 is a tumor slide without an annotation" in first
    assert "tumor_001.tif: tumor_001 is a tumor slide without an annotation" in second


def test_camelyon16_annotation_without_lesions_is_an_error(root: Path) -> None:
    write_annotation(root / "lesion_annotations/tumor_001.xml", group="Exclusion")
    (error,) = _errors(root)
    assert "tumor_001.xml: outlines no lesion, but tumor_001 is a tumor slide" in error


def test_camelyon16_unknown_groups_of_all_files_are_listed_at_once(root: Path) -> None:
    small = [(140, 140), (172, 140), (172, 172), (140, 172)]
    for number, name in enumerate(("lesion_annotations/tumor_001", "training/lesion_annotations/tumor_010")):
        square = [(128, 128), (320, 128), (320, 320 - number), (128, 320)]
        write_asap(
            root / f"{name}.xml", ("metastases", square), ("Necrosis", small), (f"fold {number}", small)
        )
    lines = []
    for on_bad_slide in ("stop", "skip"):  # no slide's fault: a setting corrects it
        with pytest.raises(PathgenErrors) as failure:
            _cohort(root, on_bad_slide=on_bad_slide)
        lines += str(failure.value).splitlines()
    assert lines[0] == lines[1] and len(lines) == 2
    for part in (
        "index.annotations.groups",
        "'Necrosis' (in tumor_001.xml and 1 more)",
        "'fold 0' (in tumor_001.xml)",
        "'fold 1' (in tumor_010.xml)",
    ):
        assert part in lines[0]
    meanings = {"necrosis": "exclusion", "fold 0": "ignore", "fold 1": "ignore"}
    assert _cohort(root, meanings)["skipped"].isna().all()
    assert len(_cohort(root, exclude_slides=["tumor_001", "tumor_010"])) == 6


def test_camelyon16_all_problems_are_listed(root: Path) -> None:
    (root / "training/normal/normal_001.tif").write_bytes(b"no slide")
    (root / "lesion_annotations/tumor_001.xml").write_text("<ASAP_Annotations><Annot")
    write_annotation(root / "training/lesion_annotations/tumor_010.xml", (5000, 5000, 6000, 6000))
    write_slide(root / "testing/images/test_003.tif", seed=20)
    write_slide(root / "training/tumor/normal_077.tif", seed=21)
    write_annotation(root / "lesion_annotations/normal_002.xml")
    shutil.copy(root / "testing/images/test_001.tif", root / "training/normal/normal_005.tif")
    said = "\n".join(errors := _errors(root))
    for part in (
        "normal_001.tif",
        "tumor_001.xml",
        "tumor_010.xml: most of its lesions lie beyond the edges",
        "test_003.tif: test_003 has no row in testing/reference.csv",
        "normal_077.tif: is not named like a slide of training/tumor",
        "normal_002.xml: outlines lesions, but normal_002 is a normal slide",
        "test_001 has the same content as normal_005",
    ):
        assert part in said
    assert len(errors) == 7


def test_camelyon16_skip_keeps_the_good_slides(root: Path) -> None:
    (root / "training/normal/normal_001.tif").write_bytes(b"no slide")
    (root / "lesion_annotations/tumor_001.xml").unlink()
    cohort = _cohort(root, on_bad_slide="skip")
    assert len(cohort) == 6
    assert set(cohort.index[cohort["skipped"].notna()]) == {"normal_001", "tumor_001"}
    assert "without an annotation" in cohort["skipped"]["tumor_001"]
    shutil.rmtree(root / "training")
    for slide in (root / "testing/images").iterdir():
        slide.write_bytes(b"")
    with pytest.raises(PathgenErrors, match="contains no usable slide"):
        _cohort(root, on_bad_slide="skip")


def test_camelyon16_withdrawn_slides_are_left_out(root: Path) -> None:
    for name in ("training/normal/normal_086.tif", "testing/images/test_049.tif"):
        shutil.copy(root / "training/normal/normal_001.tif", root / name)
    skipped = _cohort(root)["skipped"].dropna()
    assert set(skipped.index) == {"normal_086", "test_049"}
    assert "tumor_111" in skipped["normal_086"]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (None, "no such file"),
        ("test_001,Normal\ntest_002,Unclear\n", "test_002 is 'unclear', not Normal or Tumor"),
        ("test_001,Normal\nsomething\n", "row 2 does not name a slide"),
        ("test_001,Normal\ntest_001,Tumor\n", "normal and as tumor"),
        ("test_001,Normal\n", "test_002 has no row"),
        ("test_001,Normal,None\ntest_002,Normal,None\n", "outlines lesions, but test_002 is a normal slide"),
        (b"test_001,\xff\xfe", "not readable as CSV"),
    ],
)
def test_camelyon16_test_labels_come_from_the_reference(
    root: Path, reference: str | bytes | None, said: str
) -> None:
    path = root / "testing/reference.csv"
    path.unlink()
    if reference is not None:
        path.write_bytes(reference.encode() if isinstance(reference, str) else reference)
    assert any(said in error for error in _errors(root))


def test_camelyon16_reference_header_and_spellings_are_read(root: Path) -> None:
    (root / "testing/reference.csv").write_text("image,type\nTest_001.tif,normal\n\nTest_002.tif,TUMOR\n")
    assert _cohort(root)["label"].loc[["test_001", "test_002"]].tolist() == ["normal", "tumor"]


def test_camelyon16_two_files_of_one_slide_are_an_error(root: Path) -> None:
    shutil.copy(root / "training/normal/normal_001.tif", root / "training/normal/normal_001.tiff")
    write_annotation(root / "lesion_annotations/tumor_010.xml")
    said = "\n".join(_errors(root))
    assert "normal_001.tiff: has the same slide id normal_001" in said
    assert "tumor_010.xml: has the same slide id tumor_010 as lesion_annotations/tumor_010.xml" in said


def test_camelyon16_empty_or_missing_root_names_the_setting(tmp_path: Path) -> None:
    assert "cohort.root" in _errors(tmp_path / "none")[0]
    assert "contains no slides in training/normal" in _errors(tmp_path)[0]


def _index(root: Path, folder: Path, **changes: object) -> pd.DataFrame:
    settings = _settings(root, **changes)
    work = job_settings(folder.parent / "work")
    cohort = _SOURCE.find_cohort(root, settings, annotation_settings())
    index_cohort(cohort, settings, index_settings(), folder, work)
    return read_table(folder / "candidates.parquet")


def test_camelyon16_unannotated_tissue_is_normal_only_by_setting(original: Path, tmp_path: Path) -> None:
    usual = _index(original, tmp_path / "a").groupby("slide")["exhaustive"].all()
    assert not usual["tumor_010"] and usual.sum() == 5
    assert _index(original, tmp_path / "b", use_unannotated_tissue=True)["exhaustive"].all()


def test_camelyon16_slides_become_patch_sets(original: Path, tmp_path: Path) -> None:
    candidates = _index(original, tmp_path / "index")
    assert len(list((tmp_path / "index/overlays").glob("*.png"))) == 6
    slides = read_table(tmp_path / "index/slides.parquet").set_index("slide")
    unknown = ["reason", "copies", "two_labels", "near_duplicates"]  # whole slides are not compared
    assert slides[unknown].isna().all(axis=None) and slides.drop(columns=unknown).notna().all(axis=None)
    assert slides["candidates"].to_dict() == candidates["slide"].value_counts().to_dict()
    assert slides["tumor_candidates"].gt(0).to_dict() == {
        name: name in ("tumor_001", "tumor_010", "test_002") for name in slides.index
    }
    inside = candidates[(candidates["slide"] == "tumor_001") & (candidates["tumor_fraction"] == 1)]
    x0, y0, x1, y1 = LESION
    assert len(inside) == (x1 - x0) // 32 * ((y1 - y0) // 32)
    assert inside["x_l0"].between(x0, x1 - 32).all() and inside["y_l0"].between(y0, y1 - 32).all()

    per_class = {"train": 8, "valid": 3, "test": 5, "nonmember": 4, "reference": 4}
    samples = sample_cohort(_cohort(original), candidates, sample_settings(per_class))
    assert not ((samples["slide"] == "tumor_010") & (samples["label"] == "normal")).any()
    settings = _settings(original)
    places = (tmp_path / "patches", tmp_path / "by_slide.parquet")
    work = job_settings(tmp_path / "work")
    cohort = _SOURCE.find_cohort(original, settings, annotation_settings())
    extract_cohort(cohort, samples, settings, 16, *places, work)
    by_slide = read_table(places[1]).set_index("slide")
    assert by_slide["patches"].to_dict() == samples["slide"].value_counts().to_dict()
    assert by_slide["method"].notna().all()
    patches = open_patch_set(tmp_path / "patches/train")
    assert patches.images.shape == (16, 16, 16, 3)
    for number in (0, 7, 15):
        row = patches.index.iloc[number]
        with open_slide(original / row["file"]) as slide:
            region = slide.read_region_l0(int(row["x_l0"]), int(row["y_l0"]), 32, 32)
        np.testing.assert_array_equal(patches.images[number], shrink(region, 16))
