"""Which candidate is tumor, which is normal, and which is left out."""

import numpy as np
import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.patches.settings import LabelSettings


def label_candidates(candidates: pd.DataFrame, settings: LabelSettings) -> pd.DataFrame:
    """Give every candidate its label, and drop those that are neither.

    A label given by the source stays. Otherwise a patch is tumor when enough of it is lesion (rule
    ``area``) or when it touches the lesion mask (rule ``paper``); it is normal only when it is not, and
    its slide's lesions are all annotated, and hardly any of it is excluded. Tissue that nobody looked at
    is never normal.

    Args:
        candidates: The table `pathgen.patches.schemas.CANDIDATES`.
        settings: Label rule.

    Returns:
        The labelled candidates in the same order, with a fresh row index; `label` is categorical.

    Raises:
        PathgenError: A candidate has neither a label nor what the rule needs.

    Source:
        Rule paper: the study's published code (one pixel of the level-6 mask labels the patch tumor).
    """
    given = candidates["label"].notna()
    basis = "tumor_fraction" if settings.rule == "area" else "touches_tumor"
    lost = candidates[basis].isna() & ~given
    if bool(lost.any()):
        slide = candidates.loc[lost, "slide"].iloc[0]
        raise PathgenError(
            f"slide {slide}", f"candidates have neither a label nor a {basis}", "Run the stage index again"
        )
    if settings.rule == "area":
        tumor = candidates["tumor_fraction"] >= settings.min_tumor_fraction
        free = candidates["tumor_fraction"] <= settings.max_normal_fraction
    else:
        tumor = candidates["touches_tumor"].fillna(False).astype(bool)
        free = ~tumor
    # An unknown exclusion (NaN) compares as False: not known to be normal.
    unexcluded = candidates["exclusion_fraction"] <= settings.max_exclusion_fraction
    normal = free & candidates["exhaustive"] & unexcluded
    # Small numbers in place of eleven million texts.
    decided = np.where(tumor, 1, np.where(normal, 0, -1)).astype(np.int8)
    label = np.where(given, pd.Categorical(candidates["label"], categories=LABELS).codes, decided)
    kept = label >= 0
    labelled = candidates[kept].reset_index(drop=True)
    return labelled.assign(label=pd.Categorical.from_codes(label[kept], categories=pd.Index(LABELS)))
