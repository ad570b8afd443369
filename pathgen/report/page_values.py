"""Values of the page's templates, read from the files of one study. The templates hold all prose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from pathgen.core import layout
from pathgen.patches.schemas import slides_known
from pathgen.provenance.made_from import state_hashes
from pathgen.report import page_figures, plots
from pathgen.report.headline import BaselineOutcome, Comparability, Cost, baseline_outcome, costs
from pathgen.report.metric_table import metric_rows
from pathgen.report.privacy_section import PrivacySection
from pathgen.report.privacy_utility import Point, tradeoff, tradeoff_picture
from pathgen.report.read_results import (
    read_audits,
    read_fidelity,
    read_generator,
    read_parquet,
    read_runs,
    read_trts,
    trained_generators,
)
from pathgen.report.result_table import Row, both_ways, calibration_errors, mean_estimate, result_rows
from pathgen.report.settings import ReportSettings
from pathgen.report.studies import read_study
from pathgen.report.training_curves import classifier_curves, generator_curves
from pathgen.results.comparison_record import Comparison
from pathgen.results.evaluation_record import Baseline
from pathgen.results.training_record import GeneratorMeta
from pathgen.webpage.cohort_tables import left_out_table, readable, role_table
from pathgen.webpage.formatting import Estimate

#: Slide, number of its test patches, number of those with tumour, and one accuracy per row of the table.
SlideAccuracy: TypeAlias = tuple[str, int, int, list[Estimate | None]]
# Link from the report to the page of the cohort.
_SURVEY_LINK = (layout.SURVEY.relative_to(layout.REPORT) / "index.html").as_posix()


@dataclass(frozen=True)
class Results:
    """The part of the page that is also written as Markdown and JSON.

    Attributes:
        rows: Rows of the result table.
        baseline: Accuracy on the mean colour alone; None when it was not run.
        comparability: Whether the numbers can be compared with the paper's.
        confidence: Level of all intervals.
        comparison: Comparison of the regimes; None when it was not run.
        points: Accuracy lost and strongest attack of each synthetic set.
    """

    rows: Sequence[Row]
    baseline: float | None
    comparability: Comparability
    confidence: float
    comparison: Comparison | None
    points: Sequence[Point]

    @property
    def costs(self) -> list[Cost]:
        """Costs of the regimes, training on synthetic patches alone first."""
        found = costs(self.rows, self.confidence, self.comparison)
        return sorted(found, key=lambda cost: cost.row.regime != "synthetic")

    def baseline_outcome(self, row: Row) -> BaselineOutcome | None:
        """Compare a row with the baseline; None when the baseline was not run."""
        return None if self.baseline is None else baseline_outcome(row, self.baseline)


def gather_results(root: Path, confidence: float) -> Results:
    """Read the evaluations, their comparison and the audits.

    Args:
        root: Checkout.
        confidence: Level of the intervals over seeds, in (0, 1), where the regimes were not compared. Where
            they were, all intervals have the level of the comparison.

    Raises:
        PathgenError: A file is damaged.
    """
    baseline = Baseline.load_if_exists(root / layout.BASELINE)
    comparison = Comparison.load_if_exists(root / layout.COMPARISON_JSON)
    cohort, samples, _ = _tables(root)
    level = confidence if comparison is None else comparison.test.confidence
    rows = result_rows(read_runs(root), level, comparison)
    audits = read_audits(root)
    return Results(
        rows=rows,
        baseline=None if baseline is None else baseline.accuracy,
        comparability=Comparability(
            _sources(cohort), _per_class(samples, "train"), _per_class(samples, "test")
        ),
        confidence=level,
        comparison=comparison,
        points=tradeoff(
            rows, audits, {name: read_generator(root, name) for name in audits}, level, comparison
        ),
    )


def _tables(root: Path) -> tuple[pd.DataFrame | None, pd.DataFrame | None, pd.DataFrame | None]:
    """Return the cohort, the sampled patches that could be read, and the table of their extraction."""
    extracted = read_parquet(root / layout.EXTRACTED_SLIDES)
    samples = read_parquet(root / layout.SAMPLES)
    read = None if samples is None else readable(samples, extracted)
    return read_parquet(root / layout.COHORT), read, extracted


def _sources(cohort: pd.DataFrame | None) -> list[str]:
    return [] if cohort is None else sorted(cohort["source"].unique())


def _per_class(samples: pd.DataFrame | None, role: str) -> int | None:
    if samples is None:
        return None
    counts = samples.loc[samples["role"] == role, "label"].value_counts()
    return None if counts.empty else int(counts.min())


def gather_page(
    root: Path,
    results: Results,
    settings: ReportSettings,
    *,
    hashes: Mapping[str, str],
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """Read everything else that the page shows.

    Args:
        root: Checkout.
        results: Result of `gather_results`.
        settings: Section `report`.
        hashes: Name of an input to its hash.
        versions: Library to its version.

    Returns:
        Values of the template by name. Sequences and mappings are empty and other values None where a stage
        was not run.

    Raises:
        PathgenError: A file is damaged.
    """
    rows, with_original = results.rows, settings.patient_pictures == "shown"
    cohort, samples, extracted = _tables(root)
    indexed = read_parquet(root / layout.INDEXED_SLIDES)
    left_out = None if cohort is None else left_out_table(cohort, indexed, extracted)
    known = cohort is None or slides_known(cohort)
    in_use = None if cohort is None else len(cohort) - (0 if left_out is None else len(left_out.lines))
    names = trained_generators(root)
    audits = read_audits(root)
    generators = {name: read_generator(root, name) for name in [*names, *audits]}
    overlays = (
        page_figures.overlays(root / layout.OVERLAYS, cohort, settings.overlay_slides)
        if with_original
        else []
    )
    grids = page_figures.sample_grids(
        root, names, settings.grid_patches, settings.grid_columns, with_original=with_original
    )
    now = {**hashes, **state_hashes(root)}
    studies = {
        "scaling": read_study(root / layout.SCALING, now),
        "tuning": read_study(root / layout.TUNING, now),
    }
    errors = [(row, calibration_errors(row, results.confidence)) for row in rows]
    trts, sources, params = read_trts(root), _sources(cohort), root / layout.PARAMS
    return {
        "title": settings.title,
        "generators": {name: _description(generators[name]) for name in names},
        "sources": sources,
        "slides": in_use if known else None,
        "slides_known": known,
        "patient_pictures": with_original and sources != ["phantom"] and bool(overlays or grids),
        "tradeoff": tradeoff_picture(results.points) if results.points else None,
        "result_plots": plots.result_plots(rows, results.baseline),
        "confusion_plots": plots.confusion_plots(rows),
        "grids": grids,
        "slide_rows": slide_rows(rows, results.confidence) if known else [],
        "overlays": overlays,
        "overlay_count": len(list((root / layout.OVERLAYS).glob("*.png"))),
        # The page of the cohort shows original slides, so a page that may be passed on does not link to it.
        "survey": _SURVEY_LINK if with_original and (root / layout.SURVEY / "index.html").exists() else "",
        "differences_plot": plots.comparison_plot(results.comparison),
        "reliability": plots.reliability_plot(rows),
        "calibration": [(row, error) for row, error in errors if error is not None],
        "both_ways": both_ways(trts, rows, results.confidence),
        "trts": trts,
        "studies": {anchor: study for anchor, study in studies.items() if study is not None},
        "generator_curves": generator_curves(root / layout.GAN_RESULTS),
        "classifier_curves": classifier_curves(root / layout.TRAINING, names),
        "fidelity": {
            name: (record, metric_rows(record.metrics, record.about))
            for name, record in read_fidelity(root).items()
        },
        "privacy": {name: PrivacySection(audit, generators[name]) for name, audit in audits.items()},
        "privacy_pictures": page_figures.privacy_pictures(root / layout.PRIVACY, with_original=with_original),
        "roles": None if samples is None else role_table(samples),
        "left_out": left_out,
        "cohort_known": cohort is not None,
        "hashes": hashes,
        "versions": versions,
        "params": params.read_text(encoding="utf-8") if params.exists() else "",
    }


def _description(of_label: Mapping[str, GeneratorMeta]) -> str:
    return next((meta.description for meta in of_label.values() if meta.description), "")


def slide_rows(rows: Sequence[Row], confidence: float) -> list[SlideAccuracy]:
    """Average the accuracy on each test slide over the runs of each row.

    Args:
        rows: Rows of the result table; runs without results per slide add nothing.
        confidence: Level of the intervals, in (0, 1).

    Returns:
        One entry per slide, sorted by name; None for a row without runs.
    """
    frames = [
        run.per_slide.assign(row=place)
        for place, row in enumerate(rows)
        for run in row.runs
        if run.per_slide is not None
    ]
    if not frames:
        return []
    found: list[SlideAccuracy] = []
    for slide, of_slide in pd.concat(frames, ignore_index=True).groupby("slide", sort=True):
        values = [of_slide.loc[of_slide["row"] == place, "accuracy"].tolist() for place in range(len(rows))]
        estimates = [mean_estimate(one, confidence) if one else None for one in values]
        first = of_slide.iloc[0]
        found.append((str(slide), int(first["n"]), int(first["n_tumor"]), estimates))
    return found
