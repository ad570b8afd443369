"""DICOM slides: colours, resolution, and which files are one slide."""

from pathlib import Path

import numpy as np
import pytest
from factories.dicom_slides import write_dicom_slide
from factories.slide_files import annotation_settings, source_settings

from pathgen.core.errors import PathgenErrors
from pathgen.sources.cohort_table import content_digest, other_files
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.reader import open_slide

STROMA, NUCLEI = (200, 110, 170), (90, 60, 140)


def image(shift: int = 0) -> np.ndarray:
    pixels = np.full((300, 500, 3), STROMA, np.uint8)
    pixels[96:192, 96 + shift : 288] = NUCLEI
    return pixels


def test_colours_and_resolution_are_those_of_the_section(tmp_path: Path) -> None:
    files = write_dicom_slide(tmp_path, "a", image(), mpp=0.243)
    for file in files:  # any file of the series stands for the slide
        with open_slide(file) as slide:
            slide.check()
            assert slide.vendor == "dicom" and slide.mpp == pytest.approx((0.243, 0.243))
            assert slide.level_dimensions == ((500, 300), (250, 150))
            pixels = slide.read_region_l0(0, 0, 500, 300).astype(int)
            assert np.abs(pixels[120:170, 120:260] - NUCLEI).max() <= 3
            assert np.abs(pixels[220:280, :480] - STROMA).max() <= 3


@pytest.mark.parametrize("suffix", [".dcm", ".DCM", ""])
def test_files_of_one_series_are_one_slide(tmp_path: Path, suffix: str) -> None:
    mine, other = (
        [file.rename(file.with_suffix(suffix)) for file in write_dicom_slide(tmp_path, name, image(shift))]
        for name, shift in (("a", 0), ("b", 9))
    )
    (tmp_path / "notes.txt").write_text("no slide")
    assert other_files(mine[0]) == [mine[1]]
    before = content_digest(mine[0])
    assert content_digest(mine[1]) == before != content_digest(other[0])
    other[1].write_bytes(other[1].read_bytes()[:-8] + b"\0" * 8)
    assert content_digest(mine[0]) == before
    mine[1].write_bytes(mine[1].read_bytes()[:-8] + b"\0" * 8)
    assert content_digest(mine[0]) != before


def test_two_levels_of_one_slide_are_no_two_slides(tmp_path: Path) -> None:
    files = write_dicom_slide(tmp_path, "a", image())
    lines = ["slide,label", *(f"{file.name},normal" for file in files)]
    (tmp_path / "slides.csv").write_text("\n".join(lines))
    settings = source_settings("slide_csv", tmp_path, slide_csv={"table": "slides.csv"})
    reason = "slide a_1 has the same content as a_0 .* Leave one of the two out: cohort.exclude_slides"
    with pytest.raises(PathgenErrors, match=reason):
        load_source("slide_csv").find_cohort(tmp_path, settings, annotation_settings())
