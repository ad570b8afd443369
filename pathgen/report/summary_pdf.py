"""Two pages to send by e-mail: verdict and accuracies, patches and the result table."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pathgen.core.files import atomic_path
from pathgen.report.front import Front
from pathgen.report.headline import Results
from pathgen.report.page_figures import Sheet
from pathgen.report.plots import draw_strips
from pathgen.report.verdict_cards import Card
from pathgen.webpage.display_names import CONTROL_WORDS
from pathgen.webpage.formatting import ends, number, signed
from pathgen.webpage.plotting import GREY
from pathgen.webpage.rendering import render, template

# A4, inches; margins as shares of the page.
_SIZE = (8.27, 11.69)
_LEFT, _RIGHT = 0.09, 0.91
_COLOURS = {"good": "#1a7f37", "caution": "#9a6700", "open": "#57606a", "bad": "#b3261e"}
_COLUMNS = {
    "accuracy": "accuracy",
    "recall": "sensitivity",
    "specificity": "specificity",
    "roc_auc": "ROC-AUC",
}
_LINE = 0.0165


def write_summary(front: Front, results: Results, title: str, target: Path) -> None:
    """Write the summary, a PDF of two A4 pages; equal inputs give equal bytes.

    Args:
        front: Content of the page's first screen.
        results: Evaluations and their comparison.
        title: Title of the study.
        target: File.
    """
    text = render("report/summary.txt.j2", front=front, results=results, title=title)
    head, coverage, end = (part.strip() for part in text.split("\n---\n"))
    metadata: dict[str, Any] = {"Title": title, "CreationDate": None}
    with (
        mpl.rc_context({"pdf.fonttype": 42}),
        atomic_path(target) as draft,
        PdfPages(draft, metadata=metadata) as pdf,
    ):
        pdf.savefig(_first_page(front, title, head))
        pdf.savefig(_second_page(front, results, coverage, end))


def _first_page(front: Front, title: str, head: str) -> Figure:
    page = Figure(figsize=_SIZE, facecolor="white")
    top = _write(page, 0.95, title, 62, size=17, weight="bold")
    top = _write(page, top - 0.004, head, 105, color=GREY)
    if front.verdict.demonstration:
        warning = str(template("report/verdict.j2").module.demonstration())  # type: ignore[attr-defined]
        top = _write(page, top - 0.008, warning, 95, size=11, weight="bold", color=_COLOURS["caution"])
    for card in front.cards.values():
        top = _draw_card(page, top - 0.014, card)
    height = min(0.25, top - 0.11)
    axis = page.add_axes((0.2, top - 0.03 - height, 0.7, height))
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(True, color="#dddddd", linewidth=0.6)
    draw_strips(axis, front.strips, front.baseline)
    return page


def _draw_card(page: Figure, top: float, card: Card) -> float:
    colour = _COLOURS[card.tone]
    page.text(_LEFT + 0.02, top - 0.008, card.question, fontsize=10, va="top", color=GREY)
    page.text(_LEFT + 0.34, top - 0.008, card.outcome, fontsize=13, va="top", color=colour, weight="bold")
    bottom = _write(page, top - 0.034, f"{card.text} {card.settle}".strip(), 98, left=_LEFT + 0.02, size=9.5)
    if card.warning:
        style: dict[str, Any] = {"size": 9.5, "color": _COLOURS["bad"]}
        bottom = _write(page, bottom, f"✗ {card.warning}", 98, left=_LEFT + 0.02, **style)
    bar = Rectangle((_LEFT, bottom), 0.006, top - bottom, color=colour, transform=page.transFigure)
    page.add_artist(bar)
    return bottom


def _write(
    page: Figure, top: float, text: str, width: int, *, left: float = _LEFT, size: float = 9, **style: Any
) -> float:
    """Write text in lines of a number of characters, and return the height below it."""
    lines = textwrap.wrap(text, width)
    for line in lines:
        page.text(left, top, line, fontsize=size, va="top", **style)
        top -= _LINE * size / 9
    return top


def _second_page(front: Front, results: Results, coverage: str, end: str) -> Figure:
    page = Figure(figsize=_SIZE, facecolor="white")
    top = 0.95
    for name, sheets in front.sheets.items():
        top = _write(page, top, name, 90, size=12, weight="bold") - 0.004
        top = _draw_sheets(page, top, sheets) - 0.02
    top = _draw_table(page, top, ["trained on", *_COLUMNS.values()], _result_lines(front, results))
    top = _write(page, top - 0.006, coverage, 110)
    if front.first.controls:
        head = ["control, in place of synthetic patches", "difference", "right answer", "answer"]
        top = _draw_table(page, top - 0.02, head, _control_lines(front))
    _write(page, top - 0.012, end, 110, color=GREY)
    return page


def _draw_sheets(page: Figure, top: float, sheets: Sequence[Sheet]) -> float:
    """Draw the classes of one set side by side, and return the height below them."""
    width = 0.39
    bottom = top
    for place, sheet in enumerate(sheets):
        high, wide, _ = sheet.image.shape
        height = width * _SIZE[0] / _SIZE[1] * high / wide
        axis = page.add_axes((_LEFT + place * (width + 0.04), top - 0.02 - height, width, height))
        axis.imshow(sheet.image, interpolation="nearest", aspect="auto")
        axis.set_axis_off()
        page.text(_LEFT + place * (width + 0.04), top, sheet.caption, fontsize=9, va="top", color=GREY)
        bottom = min(bottom, top - 0.02 - height)
    return bottom


def _draw_table(page: Figure, top: float, head: Sequence[str], lines: Sequence[Sequence[str]]) -> float:
    """Draw rows of cells, with a small second line, red after a ✗; return the height below them."""
    for number_of_line, cells in enumerate([head, *lines]):
        for column, cell in enumerate(cells):
            left = 0.42 + 0.13 * (column - 1) if column else _LEFT
            text, _, small = cell.partition("\n")
            page.text(left, top, text, fontsize=9, va="top", weight="normal" if number_of_line else "bold")
            colour = _COLOURS["bad"] if small.startswith("✗") else GREY
            page.text(left, top - 0.014, small, fontsize=8, va="top", color=colour)
        top -= 0.034 if number_of_line else 0.022
    return top


def _result_lines(front: Front, results: Results) -> list[list[str]]:
    """Return one line per regime, with means and intervals."""
    lines = []
    for row in front.rows:
        compared = results.comparison.regime(row.classifier, row.name)
        metrics = {} if compared is None else compared.metrics
        mark = f"\n✗ {len(row.failed)} of {len(row.runs)} not converged" if row.failed else ""
        found = [metrics.get(metric) for metric in _COLUMNS]
        cells = ["" if one is None else f"{number(one.mean)}\n{ends(one.low, one.high)}" for one in found]
        lines.append([row.words + mark, *cells])
    return lines


def _control_lines(front: Front) -> list[list[str]]:
    """Return one line per control, with its difference from original patches and both answers."""
    lines = []
    for one in front.first.controls:
        low, middle, high = (
            "" if end is None else signed(100 * end, 1) for end in (one.low, one.difference, one.high)
        )
        interval = f"\n{low} to {high}" if low else ""
        mark = "" if one.passed else "\n✗ control failed"
        cells = [f"{middle} points{interval}", one.expected, one.outcome + mark]
        regime = front.controls.regime(front.first.classifier, f"synthetic-{one.control}")
        failed = 0 if regime is None else len(regime.not_converged)
        dead = f"\n✗ {failed} of {regime.trainings} not converged" if regime and failed else ""
        lines.append([CONTROL_WORDS[one.control] + dead, *cells])
    return lines
