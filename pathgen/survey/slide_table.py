"""Join all tables about slides into one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import (
    COHORT,
    EXTRACTED,
    INDEXED,
    NEAR_DUPLICATES,
    ROLES,
    SAMPLES,
    SPLITS,
    check_table,
    empty_table,
    slides_known,
)
from pathgen.webpage.cohort_tables import Table, left_out_table, readable
from pathgen.webpage.display_names import CONTAINERS, SLIDES

_NOT_SHOWN = ["source", "annotation", "bytes", "sha256", "annotation_sha256", "table_sha256", "skipped"]
# Adjacent squares touch but do not overlap.
_TOUCHING = 1 - 1e-9


@dataclass(frozen=True)
class Cohort:
    """Cohort as the earlier stages left it.

    Attributes:
        facts: One row per slide in use: columns of the cohort and of the index, ``drawn_{role}_{label}``
            (number of sampled patches) for all roles and labels, ``drawn``, ``sharing`` (patches that overlap
            one of another role), ``near_sharing`` (patches with a near-duplicate in another role),
            ``method``, ``not_fast_because`` and ``incomplete`` of the reading. By split, then slides with
            tumour first, then name.
        left_out: Excluded slides with the reason; None when all are in use.
        samples: Sampled patches that could be read.
        sources: Names of the sources.
        slides_known: Whether the source names slides.
    """

    facts: pd.DataFrame
    left_out: Table | None
    samples: pd.DataFrame
    sources: Sequence[str]
    slides_known: bool

    @property
    def holders(self) -> str:
        """Name of the units of the table: slides, or containers where slides are unknown."""
        return SLIDES if self.slides_known else CONTAINERS


def read_cohort(root: Path) -> Cohort:
    """Read the tables of a study and join them by slide.

    Args:
        root: Checkout.

    Raises:
        PathgenError: A table is missing or damaged.
    """
    slides, found, samples, read = (
        check_table(read_table(root / file), schema, root / file)
        for file, schema in (
            (layout.COHORT, COHORT),
            (layout.INDEXED_SLIDES, INDEXED),
            (layout.SAMPLES, SAMPLES),
            (layout.EXTRACTED_SLIDES, EXTRACTED),
        )
    )
    samples = readable(samples, read)
    facts = _facts(slides, found, samples, read)
    near = root / layout.NEAR_DUPLICATES
    pairs = (
        check_table(read_table(near), NEAR_DUPLICATES, near)
        if near.is_file()
        else empty_table(NEAR_DUPLICATES)
    )
    shared = near_in_roles(pairs, samples)
    return Cohort(
        facts=facts.assign(near_sharing=[shared.get(slide, 0) for slide in facts["slide"]]),
        left_out=left_out_table(slides, found, read),
        samples=samples,
        sources=sorted(slides["source"].unique()),
        slides_known=slides_known(slides),
    )


def _facts(
    slides: pd.DataFrame, found: pd.DataFrame, samples: pd.DataFrame, read: pd.DataFrame
) -> pd.DataFrame:
    in_use = slides[slides["skipped"].isna()]
    facts = in_use.drop(columns=_NOT_SHOWN).merge(found, on="slide", how="left")
    facts = facts[facts["reason"].isna()].drop(columns="reason")
    facts = facts[~facts["slide"].isin(read.loc[read["left_out"].notna(), "slide"])]
    by_slide = dict(iter(samples.groupby("slide")))
    own = [by_slide.get(slide, samples.iloc[:0]) for slide in facts["slide"]]
    for role in ROLES:
        for label in LABELS:
            counts = [int(((one["role"] == role) & (one["label"] == label)).sum()) for one in own]
            facts[f"drawn_{role}_{label}"] = counts
    facts["drawn"] = [len(one) for one in own]
    facts["sharing"] = [sharing(one) for one in own]
    how = read.rename(columns={"reason": "not_fast_because"}).drop(columns=["patches", "left_out"])
    facts = facts.merge(how, on="slide", how="left")
    # A slide without an official split has the one that was sampled for it.
    splits = facts["slide"].map(samples.drop_duplicates("slide").set_index("slide")["split"])
    facts["split"] = splits.where(splits.notna(), facts["split"])
    order = {value: place for values in (SPLITS, ("tumor", "normal")) for place, value in enumerate(values)}
    return facts.sort_values(
        ["split", "label", "slide"],
        key=lambda column: column if column.name == "slide" else column.map(order).fillna(9),
        ignore_index=True,
    )


def near_in_roles(pairs: pd.DataFrame, samples: pd.DataFrame) -> dict[str, int]:
    """Count the sampled patches with a near-duplicate in another role, by slide.

    Args:
        pairs: Table `pathgen.patches.schemas.NEAR_DUPLICATES`.
        samples: Table `pathgen.patches.schemas.SAMPLES`.
    """
    role = samples.set_index(["slide", "item"])["role"]
    ends = [pairs[["slide", "item"]], pairs[["other_slide", "other_item"]]]
    one, other = (role.reindex(pd.MultiIndex.from_frame(end)).to_numpy(dtype=object) for end in ends)
    apart = pd.notna(one) & pd.notna(other) & (one != other)
    places = pd.concat([end[apart].set_axis(["slide", "item"], axis=1) for end in ends]).drop_duplicates()
    return {str(slide): int(count) for slide, count in places["slide"].value_counts().items()}


def sharing(patches: pd.DataFrame) -> int:
    """Count the patches of a slide that overlap a patch of another role.

    Args:
        patches: Sampled patches of one slide.

    Returns:
        Number of patches that share tissue with a patch of another role; 0 where positions are unknown.
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
