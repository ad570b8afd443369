"""Survey a cohort: the page, the table behind it, pictures of slides and classes, in one folder."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pathgen.core.files import atomic_folder
from pathgen.patches.parquet import write_csv
from pathgen.survey.outliers import find_outliers
from pathgen.survey.page import render_page
from pathgen.survey.slide_table import read_cohort
from pathgen.survey.thumbnails import write_sheets, write_slides

PAGE_FILE, FACTS_FILE = "index.html", "slides.csv"


@dataclass(frozen=True)
class SurveyInputs:
    """Where the stages before left their results."""

    cohort: Path
    indexed: Path
    overlays: Path
    samples: Path
    patches: Path
    extracted: Path


def inputs_under(data: Path) -> SurveyInputs:
    """Name the inputs by the layout of the pipeline; nothing is opened."""
    return SurveyInputs(
        cohort=data / "cohort.parquet",
        indexed=data / "index" / "slides.parquet",
        overlays=data / "index" / "overlays",
        samples=data / "samples.parquet",
        patches=data / "patches",
        extracted=data / "patches_by_slide.parquet",
    )


@dataclass(frozen=True)
class Surveyed:
    """What the survey found, in numbers.

    Attributes:
        slides: Slides in use.
        left_out: Slides that are not.
        outliers: Slides that are outliers in any trait.
        incomplete_patches: Drawn patches with a tile under them that the slide's file does not hold.
    """

    slides: int
    left_out: int
    outliers: int
    incomplete_patches: int


def survey_cohort(
    inputs: SurveyInputs,
    out: Path,
    *,
    seed: int,
    outlier_score: float,
    sheet_patches: int,
    sheet_columns: int,
) -> Surveyed:
    """Write ``index.html``, ``slides.csv``, ``slides/{slide}.png`` and ``classes/{label}.png``.

    Args:
        inputs: Where the tables and patch sets are.
        out: The folder to write; it appears when it is complete. Same inputs, same bytes.
        seed: Seed of the draw for the contact sheets.
        outlier_score: See `pathgen.survey.outliers.find_outliers`.
        sheet_patches: At most this many patches per class and role on a sheet.
        sheet_columns: Patches side by side on a sheet.

    Returns:
        What was found, in numbers.

    Raises:
        PathgenError: An input is missing or damaged.
    """
    cohort = read_cohort(inputs.cohort, inputs.indexed, inputs.samples, inputs.extracted)
    outliers = find_outliers(cohort.facts, outlier_score)
    with atomic_folder(out) as draft:
        sheets = write_sheets(inputs.patches, draft, sheet_patches, sheet_columns, seed, cohort.holders)
        lines = write_slides(cohort, outliers, inputs.overlays, draft)
        page = render_page(cohort, outliers, outlier_score, sheets, lines)
        (draft / PAGE_FILE).write_text(page, encoding="utf-8")
        said = pd.Series([" ".join(line.remarks) or None for line in lines], dtype=object)
        write_csv(cohort.facts.assign(remarks=said), draft / FACTS_FILE)
    return Surveyed(
        slides=len(cohort.facts),
        left_out=0 if cohort.left_out is None else len(cohort.left_out.lines),
        outliers=len({outlier.slide for outlier in outliers}),
        incomplete_patches=int(cohort.facts["incomplete"].fillna(0).sum()),
    )
