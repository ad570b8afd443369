"""The table of all slides: what the page says of each, cell by cell. Pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES, SPLITS
from pathgen.webpage.display_names import LABEL_WORDS, ROLE_EXPLAINED, ROLE_WORDS, SLIDES, counted
from pathgen.webpage.pictures import Picture
from pathgen.webpage.table import Table

#: Heads of the cells of `SlideLine`, in their order.
CELLS = ("scan", "tissue", "candidates", "drawn patches", "reading")
NOTHING = "–"


@dataclass(frozen=True)
class SlideLine:
    """What is said of one slide.

    Attributes:
        name: Its id.
        anchor: Id of its place on the page.
        kind: Split and label in words.
        file: Its path in the source.
        cells: Head of the cell (see `CELLS`) to its lines of text; only those that have any.
        remarks: What a person should look at.
        thumbnail: Its picture, small; None when there is none.
        link: Where its full picture is, relative to the page; empty when there is none.
    """

    name: str
    anchor: str
    kind: str
    file: str
    cells: Mapping[str, Sequence[str]]
    remarks: Sequence[str]
    thumbnail: Picture | None
    link: str


def slide_cells(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """Write the facts of a slide.

    Args:
        row: A row of `pathgen.survey.slide_table.Cohort.facts`.

    Returns:
        Head to lines; what is not known is left out.
    """
    cells = (_scan(row), _tissue(row), _candidates(row), _drawn(row), _reading(row))
    return {head: lines for head, lines in zip(CELLS, cells, strict=True) if lines}


def kind_of(row: Mapping[str, Any]) -> str:
    """Say label and split of a slide."""
    label = "no label" if _empty(row["label"]) else LABEL_WORDS[row["label"]]
    return f"{label}, {'not in any split' if _empty(row['split']) else row['split']}"


def _empty(value: Any) -> bool:
    return bool(pd.isna(value))


def _scan(row: Mapping[str, Any]) -> list[str]:
    lines = []
    if row["slide_known"] and not _empty(row["width_px"]):
        lines.append(f"{row['width_px']:,} × {row['height_px']:,} px")
    if not _empty(row["mpp_x"]):
        x, y = f"{row['mpp_x']:.4g}", f"{row['mpp_y']:.4g}"
        lines.append(f"{x} µm/px" if x == y else f"{x} × {y} µm/px")
    if not _empty(row["levels"]):
        lines.append(counted(row["levels"], "level"))
    if not _empty(row["vendor"]):
        lines.append(str(row["vendor"]))
    return lines


def _tissue(row: Mapping[str, Any]) -> list[str]:
    lines = []
    if not _empty(row["tissue_fraction"]):
        lines.append(f"{row['tissue_fraction']:.1%} of the slide")
    if not _empty(row["tissue_mm2"]):
        lines.append(f"{area(row['tissue_mm2'])} mm²")
    if not _empty(row["lesion_mm2"]) and row["lesion_mm2"] > 0:
        lines.append(f"lesions {area(row['lesion_mm2'])} mm²")
    return lines


def _candidates(row: Mapping[str, Any]) -> list[str]:
    lines = [] if _empty(row["candidates"]) else [f"{row['candidates']:,}"]
    if not _empty(row["tumor_candidates"]):
        lines.append(f"{row['tumor_candidates']:,} with tumour")
    return lines


def _drawn(row: Mapping[str, Any]) -> list[str]:
    lines = []
    for role in ROLES:
        counts = {label: row[f"drawn_{role}_{label}"] for label in LABELS}
        if any(counts.values()):
            words = " + ".join(f"{count:,} {LABEL_WORDS[label]}" for label, count in counts.items() if count)
            lines.append(f"{ROLE_WORDS[role]}: {words}")
    return lines or ["none"]


def _reading(row: Mapping[str, Any]) -> list[str]:
    lines = [] if _empty(row["method"]) else [str(row["method"]).replace("_", " ")]
    if not _empty(row["not_fast_because"]):
        lines.append(str(row["not_fast_because"]))
    if not _empty(row["incomplete"]):
        lines.append(f"{counted(row['incomplete'], 'patch', 'patches')} incomplete in the file")
    return lines


def split_table(facts: pd.DataFrame, holders: str = SLIDES) -> Table:
    """Count slides, tissue and candidates by split and label of the slide.

    Args:
        facts: See `pathgen.survey.slide_table.Cohort`.
        holders: What its rows are, `SLIDES` or `CONTAINERS`.

    Returns:
        One line per split and label that has slides, and their sum.
    """
    lines = []
    for split in (*SPLITS, None):
        for label in ("tumor", "normal", None):
            of_split = facts["split"].isna() if split is None else facts["split"] == split
            of_label = facts["label"].isna() if label is None else facts["label"] == label
            if (of_split & of_label).any():
                words = "no label" if label is None else LABEL_WORDS[label]
                lines.append([split or "none", words, *_sums(facts[of_split & of_label])])
    lines.append(["all", "", *_sums(facts)])
    head = [
        "split",
        "label",
        holders,
        "candidates",
        "of them with tumour",
        "tissue, mm²",
        "lesions, mm²",
    ]
    caption = (
        f"{holders.capitalize()} in use. "
        "A candidate is a grid square with enough tissue, or a patch of a ready-made set."
    )
    return Table(caption, head, lines, counts=(2, 3, 4, 5, 6))


def _sums(facts: pd.DataFrame) -> list[str]:
    cells = [f"{len(facts):,}"]
    for column in ("candidates", "tumor_candidates", "tissue_mm2", "lesion_mm2"):
        known = facts[column].dropna()
        total = known.sum()
        cells.append(NOTHING if known.empty else area(total) if column.endswith("mm2") else f"{total:,}")
    return cells


def area(mm2: float) -> str:
    """Write an area in mm² for a reader: three digits, but whole from a hundred on."""
    return f"{mm2:,.0f}" if mm2 >= 100 else f"{mm2:.3g}"


def drawn_table(samples: pd.DataFrame, holders: str = SLIDES) -> Table:
    """Count the drawn patches by role, and the slides they are from.

    Args:
        samples: The drawn patches.
        holders: What they are from, `SLIDES` or `CONTAINERS`.

    Returns:
        One line per role that has patches, in the order of `ROLES`.
    """
    lines = []
    for role in ROLES:
        drawn = samples[samples["role"] == role]
        if len(drawn):
            counts = [f"{(drawn['label'] == label).sum():,}" for label in LABELS]
            per_slide = drawn["slide"].value_counts()
            spread = f"{per_slide.min():,} to {per_slide.max():,}"
            splits = ", ".join(sorted(drawn["split"].unique()))
            lines.append([ROLE_EXPLAINED[role], splits, *counts, f"{len(per_slide):,}", spread])
    head = ["role", "split", "normal patches", "tumour patches", holders, "patches in each"]
    caption = (
        f"Drawn patches. The roles share no patch; training, validation and test share no {holders[:-1]}."
    )
    return Table(caption, head, lines, counts=(2, 3, 4, 5))
