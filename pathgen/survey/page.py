"""Put the cohort's page together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES
from pathgen.survey import charts
from pathgen.survey.legend import mark_sign
from pathgen.survey.outliers import LEAST_VALUES, TRAITS, Outlier, Trait, judged
from pathgen.survey.slide_rows import CELLS, SlideLine, drawn_table, split_table
from pathgen.survey.slide_table import Cohort
from pathgen.survey.thumbnails import Sheet
from pathgen.webpage.display_names import LABEL_WORDS, ROLE_EXPLAINED, counted
from pathgen.webpage.pictures import Picture, png_picture, svg_picture
from pathgen.webpage.rendering import render
from pathgen.webpage.table import Table

CONTENTS: Mapping[str, str] = {
    "left-out": "What was left out",
    "look": "Worth a look",
    "counts": "Counts",
    "classes": "Patches of each class",
    "slides": "Slide by slide",
}


@dataclass(frozen=True)
class CohortPage:
    """All that the template shows."""

    title: str
    summary: str
    holders: str
    pictured: bool
    contents: Mapping[str, str]
    patients: bool
    left_out: Table | None
    notes: Sequence[str]
    remarkable: Sequence[SlideLine]
    outlier_score: str
    traits: Sequence[Trait]
    judged: Sequence[str]
    least_values: int
    split_table: Table
    drawn_table: Table
    charts: Sequence[Picture]
    sheet_note: str
    sheets: Sequence[Sheet]
    slides_note: str
    marks: Sequence[Picture]
    heads: Sequence[str]
    lines: Sequence[SlideLine]


def _charts(facts: pd.DataFrame, outliers: Sequence[Outlier]) -> list[Picture]:
    def named(*traits: str) -> set[str]:
        return {outlier.slide for outlier in outliers if outlier.trait in traits}

    stain = named("darkness", "red_share", "blue_share")
    plots = {
        "Tissue fraction of each slide": charts.plot_ranked(
            facts, "tissue_fraction", "tissue fraction", named("tissue_fraction")
        ),
        "Candidates on each slide": charts.plot_ranked(facts, "candidates", "candidates", set()),
        "Stain: each point has the mean colour of a slide’s tissue": charts.plot_stain(facts, stain),
    }
    return [svg_picture(figure, words, words) for words, figure in plots.items() if figure is not None]


def _notes(cohort: Cohort) -> list[str]:
    notes = []
    if not cohort.slides_known:
        notes.append(
            "The source does not say which slide a patch is from: below stand containers of patches."
        )
    if cohort.facts["tissue_fraction"].isna().all():
        notes.append(
            "The source holds patches, not slides: there are no pictures of slides, and their tissue, "
            "resolution and stain cannot be compared."
        )
    elif not judged(cohort.facts):
        notes.append(
            f"Fewer than {LEAST_VALUES} slides are in use: too few to tell which are unlike the others."
        )
    return notes


def render_page(
    cohort: Cohort,
    outliers: Sequence[Outlier],
    outlier_score: float,
    sheets: Sequence[Sheet],
    lines: Sequence[SlideLine],
) -> str:
    """Fill the template.

    Args:
        cohort: The cohort.
        outliers: The slides that are unlike the others, the farthest first.
        outlier_score: The score above which they are.
        sheets: The contact sheets.
        lines: One line per slide in use.

    Returns:
        HTML that loads nothing from a network; it links to the pictures beside it.
    """
    facts, one = cohort.facts, cohort.holders[:-1]
    pictured = any(line.thumbnail for line in lines)
    farthest = {outlier.slide: place for place, outlier in reversed(list(enumerate(outliers)))}
    remarkable = [line for line in lines if line.remarks]
    page = CohortPage(
        title=f"The cohort: {counted(len(facts), one)}",
        summary=f"Source of the patches: {', '.join(cohort.sources)} · {len(cohort.samples):,} patches drawn",
        holders=cohort.holders,
        pictured=pictured,
        contents={**CONTENTS, "slides": f"{one.capitalize()} by {one}"},
        patients=list(cohort.sources) != ["phantom"],
        left_out=cohort.left_out,
        notes=_notes(cohort),
        remarkable=sorted(remarkable, key=lambda line: farthest.get(line.name, len(outliers))),
        outlier_score=f"{outlier_score:g}",
        traits=TRAITS,
        judged=judged(facts),
        least_values=LEAST_VALUES,
        split_table=split_table(facts, cohort.holders),
        drawn_table=drawn_table(cohort.samples, cohort.holders),
        charts=_charts(facts, outliers),
        sheet_note=f"Drawn at random, from as many {cohort.holders} as can be; those of one stand together.",
        sheets=sheets,
        slides_note=(
            "Each picture leads to a larger one with tissue, lesions and the drawn patches."
            if pictured
            else "There are no pictures of slides."
        ),
        marks=_marks(cohort.samples) if pictured else [],
        heads=[head for head in CELLS if any(head in line.cells for line in lines)],
        lines=lines,
    )
    return render("survey/page.html.j2", page=page)


def _marks(samples: pd.DataFrame) -> list[Picture]:
    """Show the sign of each class and role that was drawn."""
    drawn = set(zip(samples["label"], samples["role"], strict=True))
    return [
        png_picture(mark_sign(label, role), "", f"{LABEL_WORDS[label]}, {ROLE_EXPLAINED[role]}")
        for label in LABELS
        for role in ROLES
        if (label, role) in drawn
    ]
