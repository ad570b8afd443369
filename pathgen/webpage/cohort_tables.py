"""Tables about the cohort that more than one page shows. Pure functions."""

import pandas as pd

from pathgen.labels import LABELS
from pathgen.patches.tables import ROLES
from pathgen.webpage.table import Table
from pathgen.webpage.words import ROLE_EXPLAINED


def role_table(samples: pd.DataFrame) -> Table:
    """Count the drawn patches by role and label.

    Args:
        samples: The drawn patches with role, label and slide.

    Returns:
        One line per role that holds patches, in the order of `ROLES`.
    """
    lines = []
    for role in ROLES:
        drawn = samples[samples["role"] == role]
        if len(drawn):
            counts = [int((drawn["label"] == label).sum()) for label in LABELS]
            cells = [*counts, int(drawn["slide"].nunique())]
            lines.append([ROLE_EXPLAINED[role], *(f"{count:,}" for count in cells)])
    head = ["role", "normal patches", "tumour patches", "slides or containers"]
    caption = (
        "Original patches by role. The roles share no patch; training, validation and test share no slide."
    )
    return Table(caption, head, lines, counts=(1, 2, 3))


def left_out(cohort: pd.DataFrame, indexed: pd.DataFrame | None) -> pd.DataFrame:
    """List the slides that are not in use.

    Args:
        cohort: The table `pathgen.patches.tables.COHORT`.
        indexed: The table `pathgen.patches.tables.INDEXED`; None when there is none yet.

    Returns:
        Columns slide, path, stage (which left it out) and reason; by slide.
    """
    early = cohort.loc[cohort["skipped"].notna(), ["slide", "path", "skipped"]]
    both = [early.rename(columns={"skipped": "reason"}).assign(stage="cohort")]
    if indexed is not None:
        late = indexed.loc[indexed["reason"].notna(), ["slide", "reason"]].assign(stage="index")
        both.append(late.merge(cohort[["slide", "path"]], on="slide", how="left"))
    return pd.concat(both)[["slide", "path", "stage", "reason"]].sort_values("slide", ignore_index=True)


def left_out_table(cohort: pd.DataFrame, indexed: pd.DataFrame | None) -> Table | None:
    """List the slides that are not in use, with the reason; None when all are (see `left_out`)."""
    lines = [[str(cell) for cell in line] for line in left_out(cohort, indexed).itertuples(index=False)]
    head = ["slide", "file", "left out by stage", "reason"]
    return Table("Slides that were left out.", head, lines) if lines else None
