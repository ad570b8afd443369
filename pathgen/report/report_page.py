"""Write the report: one self-contained page, the table as Markdown, the numbers as JSON.

The page's values are read from the files of one study; the templates hold all prose.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from pathgen.core import layout
from pathgen.core.files import atomic_path
from pathgen.core.params import read_params
from pathgen.metrics.classification import TABLE_METRICS
from pathgen.patches.parquet import read_table, write_csv
from pathgen.patches.schemas import slides_known
from pathgen.provenance.made_from import state_hashes
from pathgen.report import page_figures, plots, reference_results
from pathgen.report.front import gather_front, worst_first
from pathgen.report.headline import Results, gather_results
from pathgen.report.metric_table import metric_rows
from pathgen.report.privacy_section import PrivacySection, certainty
from pathgen.report.privacy_utility import Point, point_metrics, point_table, tradeoff
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
    calibration_errors,
    intended_shares,
    regime_words,
    runs_table,
    to_headline,
)
from pathgen.report.settings import ReportSettings
from pathgen.report.studies import read_study
from pathgen.report.summary_pdf import write_summary
from pathgen.results.audit_record import worst
from pathgen.results.record import MetricValues
from pathgen.results.study_record import ReportedStudies
from pathgen.results.training_record import GeneratorMeta
from pathgen.run_matrix import PipelineSettings
from pathgen.webpage.cohort_tables import left_out_table, sample_table
from pathgen.webpage.display_names import CONTAINERS, SLIDES
from pathgen.webpage.rendering import render

#: Slide, number of its test patches, number of those with tumour, and one accuracy per row of the table.
SlideAccuracy: TypeAlias = tuple[str, int, int, list[float | None]]
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

    The files are ``index.html``, ``summary.pdf``, ``results.md``, ``results.json``, ``runs.csv``,
    ``studies.json``, ``tradeoff.csv`` and ``tradeoff.json``. Only means and intervals over runs are computed.

    Args:
        root: Checkout with the results of the pipeline.
        out: Folder of the report; other files in it are kept.
        settings: Section `report`.
        hashes: Name of an input to its hash (see `pathgen.report.hashes.file_hashes`).
        versions: Library to its version (see `pathgen.report.hashes.result_versions`).

    Returns:
        Accuracy lost and strongest attack of each synthetic set.

    Raises:
        PathgenError: An input is missing or damaged.
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
    with_original = settings.patient_pictures == "shown"
    front = gather_front(root, results, audits, with_original=with_original)
    front_sheets = [sheet for of_set in front.sheets.values() for sheet in of_set]
    page = {
        "strip": plots.strip_picture(
            front.strips, front.baseline, "Accuracy of every trained classifier; the bar is the mean."
        ),
        # `pathgen release` finds the pixels of originals.
        "front": page_figures.sheet_pictures(front.sheets, lossless=[page_figures.ORIGINAL]),
        "side_px": front_sheets[0].side_px if front_sheets else 0,
        **_page_of_data(root, names, settings),
        **_page_of_results(root, results, front.names, pipeline),
        "generators": {name: _description(generators[name]) for name in names},
        "privacy": {name: PrivacySection(audits[name], generators[name]) for name in worst_first(audits)},
        "privacy_pictures": page_figures.privacy_pictures(
            {name: root / layout.privacy(name, worst(audits[name])) for name in worst_first(audits)},
            with_original=with_original,
        ),
        "studies": {name: study for name, study in studies.items() if study is not None},
        "hashes": hashes,
        "versions": versions,
    }
    values = {"title": settings.title, "front": front, "results": results, "paper": reference_results}
    values |= {"metric_names": TABLE_METRICS}
    functions = {"regime_words": regime_words, "certainty": certainty}
    texts = {
        "index.html": render("report/page.html.j2", page=page, **values, **functions),
        "results.md": render("report/results.md.j2", **values),
    }
    for name, text in texts.items():
        with atomic_path(out / name) as draft:
            draft.write_text(text, encoding="utf-8")
    write_summary(front, results, settings.title, out / "summary.pdf")
    numbers = to_headline(results.rows, results.baseline)
    numbers.save(out / "results.json")
    changed = {name: tuple(study.changed) for name, study in page["studies"].items()}
    ReportedStudies(changed=changed).save(out / "studies.json")
    MetricValues(**point_metrics(points)).save(out / "tradeoff.json")
    write_csv(point_table(points), out / "tradeoff.csv")
    write_csv(runs_table(results.rows), out / "runs.csv")
    return points


def _page_of_data(root: Path, generators: Sequence[str], settings: ReportSettings) -> dict[str, Any]:
    """Return slides, patches and pictures."""
    tables, with_original = read_tables(root), settings.patient_pictures == "shown"
    cohort, known = tables.cohort, slides_known(tables.cohort)
    left_out = left_out_table(cohort, read_table(root / layout.INDEXED_SLIDES), tables.extracted)
    in_use = len(cohort) - (0 if left_out is None else len(left_out.lines))
    sheets = page_figures.patch_sheets(
        root,
        generators,
        settings.grid_patches,
        settings.grid_columns,
        with_original=with_original,
    )
    return {
        "sources": tables.sources,
        "slides": in_use if known else None,
        "slides_known": known,
        "patient_pictures": with_original and tables.sources != ["phantom"] and bool(sheets),
        "sheets": page_figures.sheet_pictures(sheets),
        # The page of the cohort shows original slides, so a page that may be passed on does not link to it.
        "survey": _SURVEY_LINK if with_original and (root / layout.SURVEY / "index.html").exists() else "",
        "roles": sample_table(tables.samples, SLIDES if known else CONTAINERS),
        "left_out": left_out,
        "patch_um": _patch_um(root, tables.cohort),
        "params": (root / layout.PARAMS).read_text(encoding="utf-8"),
    }


def _patch_um(root: Path, cohort: pd.DataFrame) -> float | None:
    """Return the width of a patch on the slide, um; None where the source has patches without slides."""
    index = read_params(root / layout.PARAMS).get("index")
    if index is None or cohort["mpp_x"].isna().all():
        return None
    return float(index["mpp"] * index["patch_px"])


def _page_of_results(
    root: Path, results: Results, names: Mapping[str, str], pipeline: PipelineSettings
) -> dict[str, Any]:
    """Return plots and tables of trainings and evaluations; empty where a stage was not run."""
    rows, trts = results.rows, read_trts(root)
    slides = slide_rows(rows)
    strips = slide_strips(rows, slides, names)
    errors = [(row, calibration_errors(row, results.confidence)) for row in rows]
    return {
        "slide_rows": slides,
        "slide_strips": strips,
        "slide_strip": plots.strip_picture(strips, results.baseline, "Each dot is one test slide."),
        "reliability": plots.calibration_picture(rows),
        "calibration": [(row, error) for row, error in errors if error is not None],
        "intended": intended_shares(trts, pipeline.replicate_of_seed, results.confidence),
        "trts": trts,
        "fidelity": {
            name: (own[layout.RELEASED], found, plots.fidelity_picture(found, name))
            for name, own in read_fidelity(root).items()
            if layout.RELEASED in own
            for found in [metric_rows(own[layout.RELEASED].metrics, own[layout.RELEASED].about)]
        },
    }


def _description(of_label: Mapping[str, GeneratorMeta]) -> str:
    return next((meta.description for meta in of_label.values() if meta.description), "")


def slide_rows(rows: Sequence[Row]) -> list[SlideAccuracy]:
    """Average the accuracy on each test slide over the runs of each row.

    Args:
        rows: Rows of the result table; runs without results per slide add nothing.

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
        means = of_slide.groupby("row")["accuracy"].mean().to_dict()
        first = of_slide.iloc[0]
        accuracies = [means.get(place) for place in range(len(rows))]
        found.append((str(slide), int(first["n"]), int(first["n_tumor"]), accuracies))
    return found


def slide_strips(
    rows: Sequence[Row], slides: Sequence[SlideAccuracy], names: Mapping[str, str]
) -> list[plots.Strip]:
    """Return one line of a strip plot per row, with a dot per slide."""
    several = len({row.classifier for row in rows}) > 1
    strips = []
    for place, row in enumerate(rows):
        values = [value for *_, of_slide in slides if (value := of_slide[place]) is not None]
        if values:
            name = names.get(row.name, row.name) + (f", {row.classifier}" if several else "")
            mark = f"\n✗ {len(row.failed)} not converged" if row.failed else ""
            strips.append(plots.Strip(name + mark, values))
    return strips
