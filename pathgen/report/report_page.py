"""Write the report: one self-contained page, the table as Markdown, the numbers as JSON.

The page's values are read from the files of one study; the templates hold all prose.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from pathgen.core import layout
from pathgen.core.files import atomic_path
from pathgen.metrics.classification import TABLE_METRICS
from pathgen.patches.parquet import read_table, write_csv
from pathgen.patches.schemas import slides_known
from pathgen.provenance.made_from import state_hashes
from pathgen.report import page_figures, plots, reference_results
from pathgen.report.headline import Results, baseline_outcome, gather_results
from pathgen.report.metric_table import metric_rows
from pathgen.report.privacy_section import PrivacySection, certainty
from pathgen.report.privacy_utility import Point, point_metrics, point_table, tradeoff, tradeoff_picture
from pathgen.report.read_results import (
    read_audits,
    read_fidelity,
    read_generator,
    read_pipeline,
    read_tables,
    read_trts,
)
from pathgen.report.result_table import (
    Row,
    both_ways,
    calibration_errors,
    mean_estimate,
    regime_words,
    runs_table,
    to_headline,
)
from pathgen.report.settings import ReportSettings
from pathgen.report.studies import read_study
from pathgen.report.training_curves import classifier_curves, generator_curves
from pathgen.results.audit_record import worst
from pathgen.results.record import MetricValues
from pathgen.results.study_record import ReportedStudies
from pathgen.results.training_record import GeneratorMeta
from pathgen.run_matrix import PipelineSettings
from pathgen.webpage.cohort_tables import left_out_table, sample_table
from pathgen.webpage.display_names import CONTAINERS, SLIDES
from pathgen.webpage.formatting import Estimate
from pathgen.webpage.rendering import render

#: Slide, number of its test patches, number of those with tumour, and one accuracy per row of the table.
SlideAccuracy: TypeAlias = tuple[str, int, int, list[Estimate | None]]
# Link from the report to the page of the cohort.
_SURVEY_LINK = (layout.SURVEY.relative_to(layout.REPORT) / "index.html").as_posix()


def build_report(
    root: Path,
    out: Path,
    settings: ReportSettings,
    *,
    hashes: Mapping[str, str],
    versions: Mapping[str, str],
) -> list[Point]:
    """Write the page, its tables and numbers; equal inputs give equal bytes.

    The files are ``index.html``, ``results.md``, ``results.json``, ``runs.csv``, ``studies.json``,
    ``tradeoff.csv`` and ``tradeoff.json``. Only means and intervals over runs are computed.

    Args:
        root: Checkout with the results of the pipeline.
        out: Folder of the report; other files in it are kept.
        settings: Section `report`.
        hashes: Name of an input to its hash (see `pathgen.report.hashes.file_hashes`).
        versions: Library to its version (see `pathgen.report.hashes.result_versions`).

    Returns:
        Accuracy lost and strongest attack of each synthetic set.

    Raises:
        PathgenError: An input is damaged.
    """
    results, audits = gather_results(root), read_audits(root)
    pipeline = read_pipeline(root)
    names = pipeline.generators
    generators = {name: read_generator(root, name) for name in names}
    points = tradeoff(results, audits, generators)
    now = {**hashes, **state_hashes(root)}
    studies = {
        name: read_study(root / folder, now)
        for name, folder in {"scaling": layout.SCALING, "tuning": layout.TUNING}.items()
    }
    page = {
        **_page_of_data(root, names, settings),
        **_page_of_results(root, results, pipeline),
        "generators": {name: _description(generators[name]) for name in names},
        "privacy": {name: PrivacySection(own, generators[name]) for name, own in audits.items()},
        "privacy_pictures": page_figures.privacy_pictures(
            {name: root / layout.privacy(name, worst(own)) for name, own in audits.items()},
            with_original=settings.patient_pictures == "shown",
        ),
        "tradeoff": tradeoff_picture(points) if points else None,
        "studies": {name: study for name, study in studies.items() if study is not None},
        "hashes": hashes,
        "versions": versions,
    }
    values = {"title": settings.title, "results": results, "paper": reference_results}
    values |= {"metric_names": TABLE_METRICS}
    functions = {"regime_words": regime_words, "baseline_outcome": baseline_outcome, "certainty": certainty}
    texts = {
        "index.html": render("report/page.html.j2", page=page, **values, **functions),
        "results.md": render("report/results.md.j2", **values),
    }
    for name, text in texts.items():
        with atomic_path(out / name) as draft:
            draft.write_text(text, encoding="utf-8")
    numbers = to_headline(results.rows, results.baseline)
    numbers.save(out / "results.json")
    changed = {name: tuple(study.changed) for name, study in page["studies"].items()}
    ReportedStudies(changed=changed).save(out / "studies.json")
    MetricValues(**point_metrics(points)).save(out / "tradeoff.json")
    write_csv(point_table(points), out / "tradeoff.csv")
    write_csv(runs_table(results.rows), out / "runs.csv")
    return points


def _page_of_data(root: Path, generators: Iterable[str], settings: ReportSettings) -> dict[str, Any]:
    """Return slides, patches and pictures."""
    tables, with_original = read_tables(root), settings.patient_pictures == "shown"
    cohort, known = tables.cohort, slides_known(tables.cohort)
    left_out = left_out_table(cohort, read_table(root / layout.INDEXED_SLIDES), tables.extracted)
    in_use = len(cohort) - (0 if left_out is None else len(left_out.lines))
    folder = root / layout.OVERLAYS
    overlays = page_figures.overlays(folder, cohort, settings.overlay_slides) if with_original else []
    grids = page_figures.sample_grids(
        root, generators, settings.grid_patches, settings.grid_columns, with_original=with_original
    )
    return {
        "sources": tables.sources,
        "slides": in_use if known else None,
        "slides_known": known,
        "patient_pictures": with_original and tables.sources != ["phantom"] and bool(overlays or grids),
        "grids": grids,
        "overlays": overlays,
        "overlay_count": len(list(folder.glob("*.png"))),
        # The page of the cohort shows original slides, so a page that may be passed on does not link to it.
        "survey": _SURVEY_LINK if with_original and (root / layout.SURVEY / "index.html").exists() else "",
        "roles": sample_table(tables.samples, SLIDES if known else CONTAINERS),
        "left_out": left_out,
        "params": (root / layout.PARAMS).read_text(encoding="utf-8"),
    }


def _page_of_results(root: Path, results: Results, pipeline: PipelineSettings) -> dict[str, Any]:
    """Return plots and tables of trainings and evaluations; empty where a stage was not run."""
    rows, trts = results.rows, read_trts(root)
    errors = [(row, calibration_errors(row, results.confidence)) for row in rows]
    return {
        "result_plots": plots.result_plots(rows, results.baseline),
        "confusion_plots": plots.confusion_plots(rows),
        "slide_rows": slide_rows(rows, results.confidence),
        "differences_plot": plots.comparison_plot(results.comparison),
        "reliability": plots.reliability_plot(rows),
        "calibration": [(row, error) for row, error in errors if error is not None],
        "both_ways": both_ways(trts, rows, pipeline.replicate_of_seed, results.confidence),
        "trts": trts,
        "generator_curves": generator_curves(root / layout.GAN_RESULTS),
        "classifier_curves": classifier_curves(root / layout.TRAINING, pipeline),
        "fidelity": {
            name: (record, metric_rows(record.metrics, record.about))
            for name, own in read_fidelity(root).items()
            for replicate, record in own.items()
            if replicate == layout.RELEASED
        },
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
