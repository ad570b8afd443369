"""Values of the cohort page's template, and the remarks on its slides."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES
from pathgen.survey import charts
from pathgen.survey.contact_sheets import ContactSheet
from pathgen.survey.count_tables import area, sample_table, split_table
from pathgen.survey.outliers import LEAST_VALUES, TRAITS, Outlier, judged
from pathgen.survey.slide_overlay import mark_sign
from pathgen.survey.slide_table import Cohort
from pathgen.webpage.display_names import LABEL_WORDS, ROLE_EXPLAINED, ROLE_WORDS
from pathgen.webpage.pictures import Picture, jpeg_picture, png_picture, svg_picture
from pathgen.webpage.rendering import render

_SHEET_BYTES = 200_000


def slide_remarks(facts: pd.DataFrame, outliers: Sequence[Outlier]) -> dict[str, list[str]]:
    """Write what a person should check, by slide.

    Args:
        facts: Table of slides, see `pathgen.survey.slide_table.Cohort`.
        outliers: Outliers.

    Returns:
        Slide to sentences, for all slides; an empty list where nothing is unusual.
    """
    remarks = {}
    for row in _records(facts):
        own = [outlier for outlier in outliers if outlier.slide == row["slide"]]
        text = render("survey/remarks.txt.j2", row=row, outliers=own)
        remarks[str(row["slide"])] = [line for line in text.splitlines() if line]
    return remarks


def _records(facts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows with None in place of missing values, and integers as integers."""
    plain = facts.astype(object).where(facts.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def render_page(
    cohort: Cohort,
    outliers: Sequence[Outlier],
    outlier_score: float,
    remarks: Mapping[str, Sequence[str]],
    sheets: Sequence[ContactSheet],
    thumbnails: Mapping[str, Picture],
) -> str:
    """Fill the template.

    Args:
        cohort: The cohort.
        outliers: Outliers, the farthest first.
        outlier_score: Score above which a slide is an outlier.
        remarks: Slide to sentences.
        sheets: Contact sheets.
        thumbnails: Slide to its small picture.

    Returns:
        HTML that loads nothing from a network; it links to the pictures next to it.
    """
    sampled = set(zip(cohort.samples["label"], cohort.samples["role"], strict=True))
    farthest = {outlier.slide: place for place, outlier in reversed(list(enumerate(outliers)))}
    unusual = [slide for slide, sentences in remarks.items() if sentences]
    return render(
        "survey/page.html.j2",
        cohort=cohort,
        holders=cohort.holders,
        holder=cohort.holders[:-1],
        slides=_records(cohort.facts),
        remarks=remarks,
        unusual=sorted(unusual, key=lambda slide: farthest.get(slide, len(outliers))),
        outlier_score=outlier_score,
        traits=TRAITS,
        judged=judged(cohort.facts),
        least_values=LEAST_VALUES,
        tables=[split_table(cohort.facts, cohort.holders), sample_table(cohort.samples, cohort.holders)],
        charts=_charts(cohort.facts, outliers),
        sheets=[(sheet, jpeg_picture(sheet.image, _SHEET_BYTES, sheet.words)) for sheet in sheets],
        thumbnails=thumbnails,
        marks=[
            png_picture(mark_sign(label, role), "", f"{LABEL_WORDS[label]}, {ROLE_EXPLAINED[role]}")
            for label in LABELS
            for role in ROLES
            if (label, role) in sampled
        ],
        role_words=ROLE_WORDS,
        labels=LABELS,
        area=area,
    )


def _charts(facts: pd.DataFrame, outliers: Sequence[Outlier]) -> list[Picture]:
    def named(*traits: str) -> set[str]:
        return {outlier.slide for outlier in outliers if outlier.trait in traits}

    stain = named("darkness", "red_share", "blue_share")
    plots = {
        "Tissue fraction of each slide": charts.plot_ranked(
            facts, "tissue_fraction", "tissue fraction", named("tissue_fraction")
        ),
        "Candidates on each slide": charts.plot_ranked(facts, "candidates", "candidates", set()),
        "Stain: each point has the mean tissue colour of a slide": charts.plot_stain(facts, stain),
    }
    return [svg_picture(figure, words, words) for words, figure in plots.items() if figure is not None]
