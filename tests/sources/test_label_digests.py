"""What decides a label has a digest in the cohort, and the stages that open it compare it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from factories.inputs import write_images, write_layout, write_pcam, write_slides
from factories.slide_cohort import cohort_settings, draw, entries, index, index_settings, write_cohort
from factories.slide_files import annotation_settings, job_settings, write_annotation

from pathgen.core.errors import PathgenErrors
from pathgen.patches.parquet import write_table
from pathgen.sources.extract import extract_cohort
from pathgen.sources.index import index_cohort
from pathgen.sources.settings import CohortSettings
from pathgen.sources.slide_key import used_slides
from pathgen.sources.source_discovery import load_source

Write = Callable[[Path], CohortSettings]


def _add_a_space(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b" ")


def _flip_a_label(file: Path) -> None:
    with h5py.File(file, "r+") as opened:
        opened["y"][3] = 1 - opened["y"][3]


def _swap_labels(file: Path) -> None:
    other = file.parents[1] / "tumor" / file.name
    (content, its) = (file.read_bytes(), other.read_bytes())
    file.write_bytes(its)
    other.write_bytes(content)


EACH_FILE = pytest.mark.parametrize(
    ("write", "file", "change"),
    [
        (write_slides, "s001.xml", _add_a_space),
        (write_slides, "slides.csv", _add_a_space),
        (write_layout, "testing/lesion_annotations/test_002.xml", _add_a_space),
        (write_layout, "testing/reference.csv", _add_a_space),
        (write_pcam, "camelyonpatch_level_2_split_valid_y.h5", _flip_a_label),
        (write_images, "normal/a_1.png", _swap_labels),
    ],
)


@EACH_FILE
def test_cohort_changes_with_every_file_that_decides_a_label(
    tmp_path: Path, write: Write, file: str, change: Callable[[Path], None]
) -> None:
    root = tmp_path / "root"
    settings = write(root)
    source, tables = load_source(settings.source), []
    for number in range(3):  # the second is a second run on the same files
        if number == 2:
            change(root / file)
        write_table(source.find_cohort(root, settings, annotation_settings()), tmp_path / "cohort.parquet")
        tables.append((tmp_path / "cohort.parquet").read_bytes())
    assert tables[0] == tables[1] != tables[2]


@EACH_FILE
def test_stages_refuse_every_changed_file_that_decides_a_label(
    tmp_path: Path, write: Write, file: str, change: Callable[[Path], None]
) -> None:
    root = tmp_path / "root"
    settings = write(root)
    source = load_source(settings.source)
    cohort = source.find_cohort(root, settings, annotation_settings())
    assert len(used_slides(cohort, source, settings)) == len(cohort)
    change(root / file)
    with pytest.raises(PathgenErrors, match=r"(since|when) the cohort was made\. Run: make recheck"):
        used_slides(cohort, source, settings)


def test_a_source_that_is_out_of_reach_is_no_changed_one(tmp_path: Path) -> None:
    for write in (write_slides, write_layout, write_pcam, write_images):
        root = tmp_path / write.__name__
        settings = write(root)
        source = load_source(settings.source)
        cohort = source.find_cohort(root, settings, annotation_settings())
        root.rename(tmp_path / "unmounted")
        assert len(used_slides(cohort, source, settings)) == len(cohort)
        root.mkdir()  # a mount point stays
        assert len(used_slides(cohort, source, settings)) == len(cohort)
        shutil.rmtree(tmp_path / "unmounted")


def test_index_and_extract_refuse_an_annotation_of_another_version(tmp_path: Path) -> None:
    root, out, work = tmp_path / "slides", tmp_path / "out", tmp_path / "work"
    write_cohort(root, 10)
    index(root, out, work)
    samples = draw(root, out)
    settings = cohort_settings(root)
    earlier = load_source("slide_csv").find_cohort(root, settings, annotation_settings())
    write_annotation(root / "s003.xml", (64, 64, 128, 128))
    said = r"s003\.xml: is not the annotation that s003 had when the cohort was made\. Run: make recheck"
    with pytest.raises(PathgenErrors, match=said):
        index_cohort(earlier, settings, index_settings(), out / "index", job_settings(work))
    with pytest.raises(PathgenErrors, match=said):
        places = (tmp_path / "patches", tmp_path / "by_slide.parquet")
        extract_cohort(earlier, samples, settings, 16, *places, job_settings(work))


def test_corrected_annotation_is_indexed_again_and_no_other_slide(tmp_path: Path) -> None:
    root, out, work = tmp_path / "slides", tmp_path / "out", tmp_path / "work"
    write_cohort(root, 4)
    index(root, out, work)
    before = entries(work, "index")
    write_annotation(root / "s003.xml", (64, 64, 128, 128))
    index(root, out, work)
    after = entries(work, "index")
    assert {slide for slide in before if before[slide] != after[slide]} == {"s003"}
    shutil.copy(root / "s000.tif", root / "s004.tif")
    with (root / "s004.tif").open("ab") as stream:
        stream.write(b"other content")
    with (root / "slides.csv").open("a") as stream:
        stream.write("s004.tif,normal,\n")
    index(root, out, work)
    again = entries(work, "index")
    assert {slide for slide in after if after[slide] != again[slide]} == set() and len(again) == 5
