"""Write the report: one self-contained page, the table as markdown, the numbers as JSON."""

from collections.abc import Mapping
from pathlib import Path

from pathgen.core.files import atomic_path, write_json
from pathgen.patches.parquet import write_csv
from pathgen.report import reference_results
from pathgen.report.context import Page, Results, gather_page, gather_results
from pathgen.report.load import ReportInputs
from pathgen.report.privacy_utility import point_metrics, point_table
from pathgen.report.tables import interval, json_table, markdown_table, number, runs_table
from pathgen.webpage.rendering import render


def build_report(
    inputs: ReportInputs,
    out: Path,
    *,
    title: str,
    confidence: float,
    grid_patches: int,
    grid_columns: int,
    overlay_slides: int,
    with_patient_pictures: bool,
    hashes: Mapping[str, str],
    versions: Mapping[str, str],
) -> Results:
    """Write the page, its tables and numbers; same inputs, same bytes.

    The files are ``index.html``, ``results.md``, ``results.json``, ``runs.csv``, and of what sets cost and
    give away ``tradeoff.csv`` and ``tradeoff.json``. What was not run is named as such;
    nothing is computed anew but means and intervals over runs.

    Args:
        inputs: Where the results of the pipeline lie (see `inputs_under`).
        out: The report's folder; other files in it stay as they are.
        title: Heading of the page.
        confidence: Level of the intervals over runs, in (0, 1), where there is no comparison to give one.
        grid_patches: Patches in each grid of patches.
        grid_columns: Patches side by side in a grid.
        overlay_slides: At most this many slides are shown with their outlines.
        with_patient_pictures: Whether pictures made from original slides are on the page.
        hashes: Name of an input to its hash, shown for comparison (see `file_hashes`).
        versions: Library to its version, shown likewise (see `library_versions`).

    Returns:
        The results that it shows.

    Raises:
        PathgenError: An input is there but damaged.
    """
    results = gather_results(inputs, confidence)
    page = gather_page(
        inputs,
        results,
        title=title,
        grid_patches=grid_patches,
        grid_columns=grid_columns,
        overlay_slides=overlay_slides,
        with_patient_pictures=with_patient_pictures,
        hashes=hashes,
        versions=versions,
    )
    texts = {"index.html": render_page(page), "results.md": render_markdown(title, results)}
    for name, text in texts.items():
        with atomic_path(out / name) as draft:
            draft.write_text(text, encoding="utf-8")
    write_csv(runs_table(results.rows), out / "runs.csv")
    write_json(out / "results.json", json_table(results.rows, results.baseline))
    write_csv(point_table(results.points), out / "tradeoff.csv")
    write_json(out / "tradeoff.json", point_metrics(results.points))
    return results


def render_page(page: Page) -> str:
    """Fill the template.

    Args:
        page: The content.

    Returns:
        HTML that refers to no other file and to no network.
    """
    return render("report/page.html.j2", page=page, number=number, interval=interval)


def render_markdown(title: str, results: Results) -> str:
    """Write the result table as a markdown file's text.

    Args:
        title: Heading.
        results: The rows and what they may be held against.

    Returns:
        Markdown that ends in a newline.
    """
    parts = [
        f"# {title}\n",
        "Accuracy and the rest on the same original test patches; tumour is the positive class. "
        f"Mean over runs ({results.confidence:.0%} interval of the mean) [paper].\n",
        markdown_table(results.rows, results.baseline),
    ]
    if results.comparable is not None:
        parts.append(f"**Not comparable with the paper.** {results.comparable}\n")
    parts.append(f"Paper: {reference_results.CITATION}.\n")
    return "\n".join(parts)
