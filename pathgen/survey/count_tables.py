"""Tables of counts over the whole cohort."""

import pandas as pd

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES, SPLITS
from pathgen.webpage.cohort_tables import Table
from pathgen.webpage.display_names import LABEL_WORDS, ROLE_EXPLAINED, SLIDES
from pathgen.webpage.formatting import NO_VALUE


def split_table(facts: pd.DataFrame, holders: str = SLIDES) -> Table:
    """Count slides, tissue and candidates by split and label of the slide.

    Args:
        facts: Table of slides, see `pathgen.survey.slide_table.Cohort`.
        holders: `SLIDES` or `CONTAINERS`.

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
    head = ["split", "label", holders, "candidates", "with tumour", "tissue, mm²", "lesions, mm²"]
    caption = (
        f"{holders.capitalize()} in use. A candidate is a grid square with enough tissue, or a patch of a "
        "ready-made set."
    )
    return Table(caption, head, lines, counts=(2, 3, 4, 5, 6))


def _sums(facts: pd.DataFrame) -> list[str]:
    cells = [f"{len(facts):,}"]
    for column in ("candidates", "tumor_candidates", "tissue_mm2", "lesion_mm2"):
        known = facts[column].dropna()
        total = known.sum()
        text = area(total) if column.endswith("mm2") else f"{total:,}"
        cells.append(NO_VALUE if known.empty else text)
    return cells


def area(mm2: float) -> str:
    """Write an area in mm² with three significant digits, integers from 100 on."""
    return f"{mm2:,.0f}" if mm2 >= 100 else f"{mm2:.3g}"


def sample_table(samples: pd.DataFrame, holders: str = SLIDES) -> Table:
    """Count the sampled patches by role, and their slides.

    Args:
        samples: Sampled patches.
        holders: `SLIDES` or `CONTAINERS`.

    Returns:
        One line per role that has patches, in the order of `ROLES`.
    """
    lines = []
    for role in ROLES:
        patches = samples[samples["role"] == role]
        if len(patches):
            counts = [f"{(patches['label'] == label).sum():,}" for label in LABELS]
            per_slide = patches["slide"].value_counts()
            spread = f"{per_slide.min():,} to {per_slide.max():,}"
            splits = ", ".join(sorted(patches["split"].unique()))
            lines.append([ROLE_EXPLAINED[role], splits, *counts, f"{len(per_slide):,}", spread])
    head = ["role", "split", "normal patches", "tumour patches", holders, "patches in each"]
    caption = f"Sampled patches. Roles share no patch; training, validation and test share no {holders[:-1]}."
    return Table(caption, head, lines, counts=(2, 3, 4, 5))
