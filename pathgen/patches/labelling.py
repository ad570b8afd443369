"""Which candidate is tumor, which is normal, and which is left out."""

from typing import Literal

import numpy as np
import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS


def label_candidates(
    candidates: pd.DataFrame,
    rule: Literal["area", "paper"],
    min_tumor_fraction: float,
    max_normal_fraction: float,
    max_exclusion_fraction: float,
) -> pd.DataFrame:
    """Give every candidate its label, and drop those that are neither.

    A label given by the source stays. Otherwise a patch is tumor when enough of it is lesion (rule
    ``area``) or when it touches the lesion mask (rule ``paper``); it is normal only when it is not, and
    its slide's lesions are all annotated, and hardly any of it is excluded. Tissue that nobody looked at
    is never normal.

    Args:
        candidates: The table `pathgen.patches.schemas.CANDIDATES`.
        rule: ``"area"``: by area of lesion; ``"paper"``: by touching the mask.
        min_tumor_fraction: Rule area: tumor from this share of the patch's area on, in (0, 1].
        max_normal_fraction: Rule area: normal up to this share, in [0, 1).
        max_exclusion_fraction: Normal only up to this share inside excluded areas, in [0, 1].

    Returns:
        The labelled candidates in the same order, with a fresh row index; `label` is categorical.

    Raises:
        PathgenError: A candidate has neither a label nor what the rule needs.

    Source:
        Rule paper: the study's published code (one pixel of the level-6 mask labels the patch tumor).
    """
    given = candidates["label"].notna()
    basis = "tumor_fraction" if rule == "area" else "touches_tumor"
    lost = candidates[basis].isna() & ~given
    if bool(lost.any()):
        slide = candidates.loc[lost, "slide"].iloc[0]
        raise PathgenError(
            f"slide {slide}", f"candidates have neither a label nor a {basis}", "Run the stage index again"
        )
    if rule == "area":
        tumor = candidates["tumor_fraction"] >= min_tumor_fraction
        free = candidates["tumor_fraction"] <= max_normal_fraction
    else:
        tumor = candidates["touches_tumor"].fillna(False).astype(bool)
        free = ~tumor
    # An unknown exclusion (NaN) compares as False: not known to be normal.
    normal = free & candidates["exhaustive"] & (candidates["exclusion_fraction"] <= max_exclusion_fraction)
    # Small numbers in place of eleven million texts.
    decided = np.where(tumor, 1, np.where(normal, 0, -1)).astype(np.int8)
    label = np.where(given, pd.Categorical(candidates["label"], categories=LABELS).codes, decided)
    kept = label >= 0
    labelled = candidates[kept].reset_index(drop=True)
    return labelled.assign(label=pd.Categorical.from_codes(label[kept], categories=pd.Index(LABELS)))
