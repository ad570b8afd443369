"""Write the report: one self-contained page, the table as Markdown, the numbers as JSON."""

from collections.abc import Mapping
from pathlib import Path

from pathgen.core.files import atomic_path, write_json
from pathgen.metrics.classification import TABLE_METRICS
from pathgen.patches.parquet import write_csv
from pathgen.report import reference_results
from pathgen.report.page_values import Results, gather_page, gather_results
from pathgen.report.privacy_section import certainty
from pathgen.report.privacy_utility import point_metrics, point_table
from pathgen.report.result_table import headline_table, regime_words, runs_table
from pathgen.report.settings import ReportSettings
from pathgen.webpage.rendering import render


def build_report(
    root: Path,
    out: Path,
    settings: ReportSettings,
    *,
    hashes: Mapping[str, str],
    versions: Mapping[str, str],
) -> Results:
    """Write the page, its tables and numbers; equal inputs give equal bytes.

    The files are ``index.html``, ``results.md``, ``results.json``, ``accuracy.json``, ``runs.csv``,
    ``tradeoff.csv`` and ``tradeoff.json``. Only means and intervals over runs are computed.

    Args:
        root: Checkout with the results of the pipeline.
        out: Folder of the report; other files in it are kept.
        settings: Section `report`.
        hashes: Name of an input to its hash (see `file_hashes`).
        versions: Library to its version (see `pathgen.report.hashes.result_versions`).

    Returns:
        Headline results.

    Raises:
        PathgenError: An input is damaged.
    """
    results = gather_results(root, settings.confidence)
    page = gather_page(root, results, settings, hashes=hashes, versions=versions)
    html = render(
        "report/page.html.j2",
        page=page,
        results=results,
        paper=reference_results,
        metric_names=TABLE_METRICS,
        regime_words=regime_words,
        certainty=certainty,
    )
    texts = {"index.html": html, "results.md": render_markdown(settings.title, results)}
    for name, text in texts.items():
        with atomic_path(out / name) as draft:
            draft.write_text(text, encoding="utf-8")
    write_csv(runs_table(results.rows), out / "runs.csv")
    headline = headline_table(results.rows, results.baseline)
    write_json(out / "results.json", headline)
    # Few enough numbers for `dvc metrics show`.
    accuracies = {
        classifier: {
            name: cells["accuracy"].get("mean") for name, cells in table.items() if "accuracy" in cells
        }
        for classifier, table in headline.items()
    }
    write_json(out / "accuracy.json", accuracies)
    write_csv(point_table(results.points), out / "tradeoff.csv")
    write_json(out / "tradeoff.json", point_metrics(results.points))
    return results


def render_markdown(title: str, results: Results) -> str:
    """Write the result table as Markdown under a heading."""
    values = {"title": title, "results": results, "paper": reference_results, "metric_names": TABLE_METRICS}
    return render("report/results.md.j2", **values)
