"""The page of the cohort and the files next to it."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories.cohort import NAMES, Made, survey, write_containers
from factories.golden import check_golden, check_links, text_of_page
from factories.patch_sets import content
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.patches.parquet import read_table, write_table
from pathgen.survey.survey import SurveyCounts


def page_of(out: Path) -> str:
    return (out / "index.html").read_text(encoding="utf-8")


def test_counts_are_those_of_the_tables(surveyed: Made) -> None:
    assert surveyed.found == SurveyCounts(
        slides=8, left_out=2, outliers=3, incomplete_patches=3, copies=0, near_duplicates=0
    )
    facts = pd.read_csv(surveyed.out / "slides.csv").set_index("slide")
    assert list(facts.index[:4]) == [NAMES[0], NAMES[2], NAMES[1], NAMES[3]]
    samples = read_table(surveyed.data / "samples.parquet")
    for (slide, role, label), drawn in samples.groupby(["slide", "role", "label"]):
        assert facts.loc[slide, f"drawn_{role}_{label}"] == len(drawn)
    assert facts["drawn"].sum() == len(samples)
    # The sampled split, where the source has none.
    assert facts.loc[NAMES[4], "split"] == "valid" and pd.isna(facts.loc[NAMES[7], "split"])


def test_page_of_slides_is_the_golden_one(surveyed: Made) -> None:
    check_golden("cohort.txt", text_of_page(page_of(surveyed.out)))


def test_page_links_have_targets_and_pictures_have_text(surveyed: Made) -> None:
    check_links(surveyed.out / "index.html")


def test_page_of_real_slides_is_marked_not_for_release(surveyed: Made, tmp_path: Path) -> None:
    assert "Not for release." in page_of(surveyed.out)
    data = tmp_path / "data"
    shutil.copytree(surveyed.data, data)
    cohort = read_table(data / "cohort.parquet")
    write_table(cohort.assign(source="phantom"), data / "cohort.parquet")
    survey(data, tmp_path / "out")
    assert "Not for release." not in page_of(tmp_path / "out")


def test_survey_of_equal_inputs_has_equal_bytes(surveyed: Made, tmp_path: Path) -> None:
    survey(surveyed.data, tmp_path / "again")
    files = content(surveyed.out)
    assert len(files) > 10 and files == content(tmp_path / "again")


def test_page_of_patch_containers_is_the_golden_one(tmp_path: Path) -> None:
    found = survey(write_containers(tmp_path / "data"), tmp_path / "out")
    assert found == SurveyCounts(
        slides=3, left_out=0, outliers=0, incomplete_patches=0, copies=7, near_duplicates=0
    )
    check_golden("cohort_containers.txt", text_of_page(page_of(tmp_path / "out")))
    assert not (tmp_path / "out" / "slides").exists()
    assert len(list((tmp_path / "out" / "classes").iterdir())) == 8


@pytest.mark.parametrize(
    "file",
    [
        "cohort.parquet",
        "index/slides.parquet",
        "samples.parquet",
        "patches_by_slide.parquet",
        "patches/test/patches.npy",
        "index/overlays/slide c.png",
    ],
)
def test_damaged_input_is_named_and_leaves_the_old_page(surveyed: Made, tmp_path: Path, file: str) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(surveyed.data, data)
    out.mkdir()
    (out / "index.html").write_text("old")
    (data / file).write_bytes((data / file).read_bytes()[:100])
    with pytest.raises(PathgenError, match=re.escape(file.rsplit("/", maxsplit=1)[-1])):
        survey(data, out)
    assert page_of(out) == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


def test_written_picture_keeps_its_marks(surveyed: Made) -> None:
    with Image.open(surveyed.out / "slides" / f"{NAMES[0]}.png") as opened:
        picture = np.asarray(opened.convert("RGB")).astype(int)
    # The first training patch is at (200, 300) of 3000 x 2000 px, the picture is 300 px wide.
    edge, inside = picture[30, 22:28].mean(axis=0), picture[33:37, 23:27].reshape(-1, 3).mean(axis=0)
    assert edge[2] - edge[0] > 60 > inside[2] - inside[0]
