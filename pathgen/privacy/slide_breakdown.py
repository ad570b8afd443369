"""Findings that need to know where patches are from: per slide and patient, and the most exposed patches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.patches.store import PatchSet
from pathgen.privacy.attacks import Finding
from pathgen.privacy.class_audit import Comparison
from pathgen.privacy.group_risk import exposed_first, risk_by_group, slides_told_apart
from pathgen.privacy.shift_ncc import nearest_shifted


@dataclass(frozen=True)
class Origins:
    """Where the patches of every class are from, in the order of the images.

    Attributes:
        members: Label to rows with ``slide``, ``item`` and ``patient``.
        nonmembers: The same.
        unseen: Label to patches of slides that nothing learnt from; may be empty.
    """

    members: Mapping[str, pd.DataFrame]
    nonmembers: Mapping[str, pd.DataFrame]
    unseen: Mapping[str, PatchSet]


def risks(
    comparison: Comparison, members: pd.DataFrame, nonmembers: pd.DataFrame, *, confidence: float
) -> dict[str, Any]:
    """Say how many patches of each slide, and of each patient where all are known, an attacker would name.

    Args:
        comparison: All nearest pairs.
        members: Rows of the pool's members.
        nonmembers: Rows of its non-members.
        confidence: Coverage of the intervals.

    Returns:
        ``per_slide`` and perhaps ``per_patient``, see `risk_by_group`; the attack is GAN-Leaks by
        correlation.
    """
    evidence = comparison.evidence
    found = {}
    for key, column in (("per_slide", "slide"), ("per_patient", "patient")):
        names = pd.concat([members[column], nonmembers[column]])
        if not names.isna().any():
            found[key] = risk_by_group(
                -evidence.distance["ncc"],
                evidence.is_member,
                names.astype(str).tolist(),
                confidence=confidence,
            )
    return found


def most_exposed(
    comparison: Comparison, members: pd.DataFrame, synthetic_rows: NDArray[np.int64], count: int
) -> list[dict[str, Any]]:
    """List the training patches that a synthetic patch comes unusually close to.

    Args:
        comparison: All nearest pairs.
        members: Rows of the pool's members.
        synthetic_rows: Row in the synthetic set of each synthetic patch looked at, (Q,).
        count: How many are listed at most.

    Returns:
        The most exposed first: ``slide``, ``item``, ``synthetic_row`` (the nearest synthetic patch),
        ``correlation`` with it, ``usual_correlation`` (with the nearest reference patch), and
        ``share_of_nonmembers`` as exposed: near 0 for a patch that stands out.
    """
    distance, usual = comparison.seen.matches["ncc"], comparison.fresh.matches["ncc"]
    rows = exposed_first(distance.of_members, usual.of_members)[:count]
    of_others = distance.of_nonmembers / np.maximum(usual.of_nonmembers, 1e-9)
    return [
        {
            "slide": str(members["slide"].iloc[row]),
            "item": int(members["item"].iloc[row]),
            "synthetic_row": int(synthetic_rows[distance.nearest_of_members[row]]),
            "correlation": float(1 - distance.of_members[row]),
            "usual_correlation": float(1 - usual.of_members[row]),
            "share_of_nonmembers": float(
                (of_others <= distance.of_members[row] / max(usual.of_members[row], 1e-9)).mean()
            ),
        }
        for row in rows.tolist()
    ]


def slide_findings(
    comparison: Comparison,
    members: pd.DataFrame,
    unseen: PatchSet,
    *,
    confidence: float,
    n_permutations: int,
    rng: np.random.Generator,
) -> dict[str, Finding]:
    """Test whether the slides that were learnt from can be told from others (see `slides_told_apart`).

    Args:
        comparison: All nearest pairs.
        members: Rows of the pool's members.
        unseen: As many patches, at most, of other slides are looked at.
        confidence: Coverage of the interval.
        n_permutations: Random exchanges of slides.
        rng: Source of the draws.

    Returns:
        ``slide_auc``; nothing with fewer than two slides on either side.
    """
    pool = comparison.pool
    count = min(len(unseen), len(pool.members))
    drawn = unseen.take(np.sort(rng.choice(len(unseen), count, replace=False)))
    nearest, _ = nearest_shifted(
        np.asarray(drawn.images),
        comparison.synthetic,
        symmetries=pool.symmetries,
        max_shift_px=pool.max_shift_px,
        shortlist=pool.shortlist,
        device=pool.device,
    )
    found = slides_told_apart(
        -comparison.seen.matches["ncc"].of_members,
        members["slide"].astype(str).tolist(),
        -nearest.distance[:, 0],
        drawn.index["slide"].astype(str).tolist(),
        confidence=confidence,
        n_permutations=n_permutations,
        rng=rng,
    )
    return {} if found is None else {"slide_auc": found}
