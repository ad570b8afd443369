"""Everything that is known of each slide, in one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from pathgen.core.labels import LABELS
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import COHORT, EXTRACTED, INDEXED, ROLES, SAMPLES, SPLITS, check_table
from pathgen.survey.outliers import Outlier
from pathgen.webpage.cohort_tables import left_out_table, readable
from pathgen.webpage.display_names import CONTAINERS, SLIDES, counted
from pathgen.webpage.table import Table

_OF_COHORT = (
    "slide",
    "label",
    "split",
    "patient",
    "path",
    "width_px",
    "height_px",
    "mpp_x",
    "mpp_y",
    "levels",
    "vendor",
    "exhaustive",
    "slide_known",
)
# Squares side by side touch but do not overlap.
_TOUCHING = 1 - 1e-9


@dataclass(frozen=True)
class Cohort:
    """The cohort as the stages before left it.

    Attributes:
        facts: One row per slide in use: columns of the cohort and of the index, ``drawn_{role}_{label}``
            (int64) for all roles and labels, ``drawn``, ``sharing`` (drawn patches that share tissue with one
            of another role), ``method``, ``not_fast_because`` and ``incomplete`` of the reading. By split,
            then slides with tumour first, then name.
        left_out: The slides that are not in use, with the reason; None when all are.
        samples: The drawn patches that could be read.
        sources: Names of the sources.
        slides_known: Whether it is known which slide a patch is from.
    """

    facts: pd.DataFrame
    left_out: Table | None
    samples: pd.DataFrame
    sources: Sequence[str]
    slides_known: bool

    @property
    def holders(self) -> str:
        """What patches are counted by: slides, or containers where the slides are not known."""
        return SLIDES if self.slides_known else CONTAINERS


def read_cohort(cohort: Path, indexed: Path, samples: Path, extracted: Path) -> Cohort:
    """Read the tables and join them by slide.

    Args:
        cohort: The table `COHORT`.
        indexed: The table `INDEXED`.
        samples: The table `SAMPLES`.
        extracted: The table `EXTRACTED`.

    Returns:
        The cohort.

    Raises:
        PathgenError: A table is missing or damaged.
    """
    slides = check_table(read_table(cohort), COHORT, cohort)
    found = check_table(read_table(indexed), INDEXED, indexed)
    drawn = check_table(read_table(samples), SAMPLES, samples)
    read = check_table(read_table(extracted), EXTRACTED, extracted)
    drawn = readable(drawn, read)
    return Cohort(
        facts=_facts(slides, found, drawn, read),
        left_out=left_out_table(slides, found, read),
        samples=drawn,
        sources=sorted(slides["source"].unique()),
        slides_known=bool(slides["slide_known"].any()),
    )


def _facts(
    slides: pd.DataFrame, found: pd.DataFrame, drawn: pd.DataFrame, read: pd.DataFrame
) -> pd.DataFrame:
    in_use = slides.loc[slides["skipped"].isna(), list(_OF_COHORT)]
    facts = in_use.merge(found, on="slide", how="left")
    facts = facts[facts["reason"].isna()].drop(columns="reason")
    facts = facts[~facts["slide"].isin(read.loc[read["left_out"].notna(), "slide"])]
    for role in ROLES:
        for label in LABELS:
            of_both = drawn.loc[(drawn["role"] == role) & (drawn["label"] == label), "slide"]
            facts[f"drawn_{role}_{label}"] = (
                facts["slide"].map(of_both.value_counts()).fillna(0).astype("int64")
            )
    facts["drawn"] = facts.filter(like="drawn_").sum(axis=1)
    shared = {slide: sharing(patches) for slide, patches in drawn.groupby("slide")}
    facts["sharing"] = facts["slide"].map(shared).fillna(0).astype("int64")
    how = read.rename(columns={"reason": "not_fast_because"}).drop(columns=["patches", "left_out"])
    facts = facts.merge(how, on="slide", how="left")
    # A slide without an official split has the one that was drawn for it.
    splits = facts["slide"].map(drawn.drop_duplicates("slide").set_index("slide")["split"])
    facts["split"] = splits.where(splits.notna(), facts["split"])
    order = pd.DataFrame(
        {
            "split": facts["split"].map({split: place for place, split in enumerate(SPLITS)}).fillna(9),
            "label": facts["label"].map({"tumor": 0, "normal": 1}).fillna(2),
            "slide": facts["slide"],
        }
    )
    return facts.loc[order.sort_values(["split", "label", "slide"]).index].reset_index(drop=True)


def sharing(patches: pd.DataFrame) -> int:
    """Count the patches of a slide that overlap a patch of another role.

    Args:
        patches: Drawn patches of one slide; 0 is returned where their places are not known.

    Returns:
        How many of them share tissue with a patch of another role: such roles are not independent.
    """
    placed = patches[patches["x_l0"].notna()]
    if placed["role"].nunique() < 2:
        return 0
    sizes = placed["size_l0"].to_numpy(dtype=np.float64)
    centres = placed[["x_l0", "y_l0"]].to_numpy(dtype=np.float64) + sizes[:, None] / 2
    roles = placed["role"].to_numpy(dtype=object)
    # Squares of one size overlap when their centres are nearer than that in x and in y; those of a slide
    # are of one size.
    pairs = cKDTree(centres).query_pairs(float(sizes.max()) * _TOUCHING, p=np.inf, output_type="ndarray")
    apart = roles[pairs[:, 0]] != roles[pairs[:, 1]]
    return len(np.unique(pairs[apart]))


def remarks(facts: pd.DataFrame, outliers: Sequence[Outlier]) -> dict[str, list[str]]:
    """Say what a person should look at, slide by slide.

    Args:
        facts: See `Cohort`.
        outliers: The slides that are unlike the others.

    Returns:
        Slide to sentences, for all slides; an empty list where nothing is odd.
    """
    said: dict[str, list[str]] = {str(slide): [] for slide in facts["slide"]}
    for outlier in outliers:
        said[outlier.slide].append(f"Outlier: {outlier.words}.")
    for row in facts.to_dict("records"):
        of_slide = said[str(row["slide"])]
        if row["drawn"] == 0:
            of_slide.append("No patch was drawn from it.")
        if row["label"] == "tumor" and _number(row["tumor_candidates"]) == 0:
            of_slide.append("A tumour slide, but no candidate touches a lesion.")
        if shared := _number(row["sharing"]):
            of_slide.append(
                f"{shared:,} of its {row['drawn']:,} patches overlap a patch of another role, "
                "so that the roles are not independent."
            )
        if incomplete := _number(row["incomplete"]):
            lie = "lies" if incomplete == 1 else "lie"
            of_slide.append(
                f"{incomplete:,} of its {row['drawn']:,} patches {lie} wholly or partly on tiles that the "
                "file does not hold, read as glass."
            )
        if dropped := _number(row["annotations_dropped"]):
            of_slide.append(f"{counted(dropped, 'annotation')} without an area left out.")
    return said


def _number(value: object) -> int | None:
    """Return an integer, None where empty."""
    return None if pd.isna(value) else int(value)  # type: ignore[call-overload]
