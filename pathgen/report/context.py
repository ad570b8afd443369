"""Gather everything that the page shows from the files of one pipeline run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.patches.parquet import read_table
from pathgen.provenance.params_hash import state_hashes
from pathgen.report import figures, per_slide, reference_results
from pathgen.report import headline as answer
from pathgen.report.comparison import (
    calibration_table,
    coverage_note,
    differences_tables,
    on_synthetic_table,
    with_intervals,
)
from pathgen.report.dp_guarantee import guarantees
from pathgen.report.fidelity import FidelityPart, fidelity_part
from pathgen.report.glossary import STUDY_NOTES, WORDS
from pathgen.report.load import ReportInputs, read_fidelity, read_json, read_metrics, read_runs
from pathgen.report.privacy import PrivacyPart, privacy_part
from pathgen.report.privacy_utility import Point, tradeoff
from pathgen.report.privacy_utility_plot import tradeoff_picture
from pathgen.report.seed_intervals import both_ways_table
from pathgen.report.studies import Study, read_study
from pathgen.report.tables import NOT_RUN, TABLE_METRICS, Row, number, result_rows
from pathgen.webpage.cohort_tables import left_out_table, readable, role_table
from pathgen.webpage.display_names import counted
from pathgen.webpage.pictures import Picture
from pathgen.webpage.table import Table

CONTENTS: Mapping[str, str] = {
    "question": "The question",
    "answer": "The answer",
    "results": "Results beside the paper’s",
    "patches": "Original and synthetic patches",
    "comparison": "Which differences are real?",
    "calibration": "Calibration and operating point",
    "slides": "Slide by slide",
    "training": "How the training went",
    "labels": "Do synthetic patches show their class?",
    "fidelity": "Fidelity: how alike are they?",
    "privacy": "Privacy: what do they give away?",
    "scaling": "What more synthetic patches bring",
    "dp_sweep": "What differential privacy costs",
    "tuning": "What a search for better settings brings",
    "data": "Data, and what was skipped",
    "rerun": "Settings, and how to run it again",
}
#: From the page to that of the stage `survey`.
SURVEY_LINK = "cohort/index.html"


@dataclass(frozen=True)
class Page:
    """All that the template shows. Sequences are empty and tables None where a stage was not run."""

    title: str
    run: str
    contents: Mapping[str, str]
    words: Mapping[str, str]
    study_notes: Mapping[str, str]
    patient_pictures: bool
    answer: Sequence[str]
    interval_note: str
    level: str
    comparable: str | None
    tradeoff: Picture | None
    metric_names: Mapping[str, str]
    rows: Sequence[Row]
    baseline: str
    citation: str
    result_plots: Sequence[Picture]
    confusion_plots: Sequence[Picture]
    confusion_table: Table | None
    grid_parts: Sequence[figures.Part]
    no_grids: str
    slide_table: Table | None
    no_slides: str
    overlays: Sequence[Picture]
    overlay_note: str
    survey: str
    differences: Sequence[Table]
    differences_plot: Sequence[Picture]
    reliability: Sequence[Picture]
    calibration: Table | None
    both_ways: Table | None
    on_synthetic: Table | None
    scaling: Study | None
    dp_sweep: Study | None
    tuning: Study | None
    versions: str
    training_parts: Sequence[figures.Part]
    fidelity: Mapping[str, FidelityPart]
    privacy: Mapping[str, PrivacyPart]
    privacy_pictures: Sequence[Picture]
    guarantees: Mapping[str, str]
    data_table: Table | None
    skipped_table: Table | None
    no_skipped: str
    hash_table: Mapping[str, str]
    params: str


@dataclass(frozen=True)
class Results:
    """The part of the page that is also written as markdown and JSON."""

    rows: Sequence[Row]
    baseline: float | None
    comparable: str | None
    confidence: float
    comparison: Mapping[str, Any] | None
    points: Sequence[Point]


def gather_results(inputs: ReportInputs, confidence: float) -> Results:
    """Read the evaluations and what they may be held against.

    Args:
        inputs: Where the results lie.
        confidence: Level of the intervals over runs, in (0, 1), where the regimes were not compared. Where
            they were, all intervals have the level of the comparison.

    Returns:
        The rows of the result table, the mean-colour accuracy if it was run, the reason why the numbers are
        not comparable with the paper's, if they are not, and what each set costs and gives away.

    Raises:
        PathgenError: A file is damaged.
    """
    colour, comparison = read_json(inputs.baseline), read_json(inputs.comparison)
    samples, _ = _samples(inputs)
    level = confidence if comparison is None else float(comparison["test"]["confidence"])
    rows = with_intervals(result_rows(read_runs(inputs.evaluate), level), comparison)
    return Results(
        rows=rows,
        baseline=None if colour is None else colour.get("accuracy"),
        comparable=answer.comparable(
            _sources(inputs), _per_class(samples, "train"), _per_class(samples, "test")
        ),
        confidence=level,
        comparison=comparison,
        points=tradeoff(rows, read_metrics(inputs.privacy), level, comparison),
    )


def _samples(inputs: ReportInputs) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Return the patches that were drawn and could be read, and how each slide was read."""
    extracted = _table(inputs.extracted)
    drawn = _table(inputs.samples)
    return None if drawn is None else readable(drawn, extracted), extracted


def _table(path: Path) -> pd.DataFrame | None:
    return read_table(path) if path.exists() else None


def _sources(inputs: ReportInputs) -> list[str]:
    if not inputs.cohort.exists():
        return []
    return sorted(read_table(inputs.cohort)["source"].unique())


def _per_class(samples: pd.DataFrame | None, role: str) -> int | None:
    if samples is None:
        return None
    counts = samples.loc[samples["role"] == role, "label"].value_counts()
    return None if counts.empty else int(counts.min())


def gather_page(
    inputs: ReportInputs,
    results: Results,
    *,
    title: str,
    grid_patches: int,
    grid_columns: int,
    overlay_slides: int,
    with_patient_pictures: bool,
    hashes: Mapping[str, str],
    versions: Mapping[str, str],
) -> Page:
    """Read everything else and put the page together.

    Args:
        inputs: Where the files lie.
        results: What `gather_results` read.
        title: Heading.
        grid_patches: Patches per grid.
        grid_columns: Patches side by side.
        overlay_slides: At most this many slide overlays.
        with_patient_pictures: Whether pictures made from original slides are shown.
        hashes: What to its hash, for the reader to compare.
        versions: Library to its version.

    Returns:
        The page's content.

    Raises:
        PathgenError: A file is damaged.
    """
    rows = results.rows
    # What a study was made from has more names than the page shows.
    now = {**hashes, **state_hashes(inputs.params.parent)}
    cohort = _table(inputs.cohort)
    samples, extracted = _samples(inputs)
    skipped = None if cohort is None else left_out_table(cohort, _table(inputs.indexed), extracted)
    sources = [] if cohort is None else sorted(cohort["source"].unique())
    privacy, comparison = read_metrics(inputs.privacy), results.comparison
    on_synthetic = read_metrics(inputs.on_synthetic)
    overlays = figures.overlays(inputs.overlays, cohort, overlay_slides) if with_patient_pictures else []
    known = cohort is None or bool(cohort["slide_known"].any())
    grids = figures.grid_parts(
        inputs.patches, inputs.synthetic, grid_patches, grid_columns, with_original=with_patient_pictures
    )
    return Page(
        title=title,
        run=_run_line(cohort, 0 if skipped is None else len(skipped.lines), rows),
        contents=CONTENTS,
        words=WORDS,
        study_notes=STUDY_NOTES,
        patient_pictures=with_patient_pictures and sources != ["phantom"] and bool(overlays or grids),
        answer=_answer(results, privacy),
        interval_note=answer.interval_note(rows) if comparison is None else coverage_note(comparison, rows),
        level=f"{results.confidence:.0%}",
        comparable=results.comparable,
        tradeoff=tradeoff_picture(results.points) if results.points else None,
        metric_names=TABLE_METRICS,
        rows=rows,
        baseline=NOT_RUN if results.baseline is None else number(results.baseline),
        citation=reference_results.CITATION,
        result_plots=figures.result_plots(rows, results.baseline),
        confusion_plots=figures.confusion_plots(rows),
        confusion_table=per_slide.confusion_table(rows),
        grid_parts=grids,
        no_grids="Not run.",
        slide_table=per_slide.slide_table(rows, results.confidence) if known else None,
        no_slides="Not run." if known else "The source does not say which slide a patch is from.",
        overlays=overlays,
        overlay_note=_overlay_note(len(overlays), len(list(inputs.overlays.glob("*.png")))),
        # The page of the cohort shows the original slides: what may be passed on does not point at it.
        survey=SURVEY_LINK if with_patient_pictures and inputs.survey.exists() else "",
        differences=differences_tables(comparison),
        differences_plot=figures.comparison_plot(comparison),
        reliability=figures.reliability_plot(rows),
        calibration=calibration_table(rows, comparison, results.confidence),
        both_ways=both_ways_table(on_synthetic, rows, results.confidence),
        on_synthetic=on_synthetic_table(on_synthetic),
        scaling=read_study(inputs.scaling, now),
        dp_sweep=read_study(inputs.dp_sweep, now),
        tuning=read_study(inputs.tuning, now),
        versions=", ".join(f"{name} {version}" for name, version in versions.items()),
        training_parts=figures.training_parts(inputs.gan, inputs.training),
        fidelity={name: fidelity_part(name, found) for name, found in read_fidelity(inputs.fidelity).items()},
        privacy={name: privacy_part(name, content) for name, content in privacy.items()},
        privacy_pictures=figures.privacy_pictures(inputs.privacy, with_original=with_patient_pictures),
        guarantees=guarantees(inputs.models, privacy),
        data_table=None if samples is None else role_table(samples),
        skipped_table=skipped,
        no_skipped="Nothing was skipped." if cohort is not None else "Not run.",
        hash_table=hashes,
        params=inputs.params.read_text(encoding="utf-8") if inputs.params.exists() else "",
    )


def _run_line(cohort: pd.DataFrame | None, skipped: int, rows: Sequence[Row]) -> str:
    """Say in a line what this run is: source, slides, generators, classifiers, runs."""
    parts = []
    if cohort is not None:
        sources = ", ".join(sorted(cohort["source"].unique()))
        parts.append(f"Source of the patches: {sources}")
        if bool(cohort["slide_known"].any()):
            parts.append(counted(len(cohort) - skipped, "slide"))
    generators = sorted({row.generator for row in rows if row.generator is not None})
    if generators:
        parts.append(f"generators: {', '.join(generators)}")
    if rows:
        parts.append(f"classifiers: {', '.join(sorted({row.classifier for row in rows}))}")
        parts.append(f"{sum(len(row.runs) for row in rows)} classifier runs")
    return " · ".join(parts) if parts else "Nothing was run yet."


def _answer(results: Results, privacy: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say what it costs and what it gives away, synthetic patches alone first."""
    level = results.confidence
    found = sorted(
        answer.costs(results.rows, level, results.comparison), key=lambda cost: cost.row.regime != "synthetic"
    )
    said = [answer.sentence(cost, level) for cost in found]
    if not said:
        said = [
            "What synthetic patches cost a classifier was not measured: there is no pair of runs to compare."
        ]
    said += [answer.beside_colour(cost.row, results.baseline, level) for cost in found[:1]]
    return [*said, *answer.privacy_sentences(privacy)]


def _overlay_note(shown: int, there: int) -> str:
    what = "Outlines of tissue (thin, green), lesions (thick, red) and exclusions (dashed, black)"
    return f"{what}. {shown} of {there} slides shown, slides with tumour first."
