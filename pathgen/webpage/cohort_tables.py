"""Tables of a page, and those about the cohort that several pages show."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pathgen.core.labels import LABELS
from pathgen.patches.schemas import ROLES
from pathgen.webpage.display_names import ROLE_EXPLAINED


@dataclass(frozen=True)
class Table:
    """A table for the page.

    Attributes:
        caption: Caption.
        head: Column names.
        lines: Cells as text, one list per line.
        counts: Positions of the columns that hold counts.
    """

    caption: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    counts: Sequence[int] = ()


def sample_table(samples: pd.DataFrame, holders: str) -> Table:
    """Count the sampled patches by role, and their slides.

    Args:
        samples: Sampled patches with role, split, label and slide.
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


def readable(samples: pd.DataFrame, extracted: pd.DataFrame | None) -> pd.DataFrame:
    """Return the sampled patches without those of slides that extraction could not read.

    Args:
        samples: The table `pathgen.patches.schemas.SAMPLES`.
        extracted: The table `pathgen.patches.schemas.EXTRACTED`; None when there is none yet.

    Returns:
        Rows of `samples`.
    """
    if extracted is None:
        return samples
    return samples[~samples["slide"].isin(extracted.loc[extracted["left_out"].notna(), "slide"])]


def left_out_table(
    cohort: pd.DataFrame, indexed: pd.DataFrame | None, extracted: pd.DataFrame | None
) -> Table | None:
    """List the excluded slides, by name, with the stage that excluded them and its reason.

    Args:
        cohort: The table `pathgen.patches.schemas.COHORT`.
        indexed: The table `pathgen.patches.schemas.INDEXED`; None when there is none yet.
        extracted: The table `pathgen.patches.schemas.EXTRACTED`; None when there is none yet.

    Returns:
        One line per slide; None when all are in use.
    """
    found = [cohort[["slide", "skipped"]].set_axis(["slide", "reason"], axis=1).assign(stage="cohort")]
    if indexed is not None:
        found.append(indexed[["slide", "reason"]].assign(stage="index"))
    if extracted is not None:
        unread = extracted[["slide", "left_out"]].set_axis(["slide", "reason"], axis=1)
        found.append(unread.assign(stage="extract"))
    all_stages = pd.concat([table[table["reason"].notna()] for table in found])
    listed = all_stages.merge(cohort[["slide", "path"]], on="slide", how="left").sort_values("slide")
    cells = listed[["slide", "path", "stage", "reason"]].astype(str).to_numpy().tolist()
    head = ["slide", "file", "excluded by stage", "reason"]
    return Table("Excluded slides.", head, cells) if cells else None
