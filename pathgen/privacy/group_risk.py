"""Risk by slide and patient, most exposed patches, and a test between slides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import NDArray

from pathgen.patches.store import PatchSet
from pathgen.privacy.membership_tests import (
    FALSE_POSITIVE_RATE,
    TestResult,
    auc_with_interval,
    binomial_interval,
    false_positive_threshold,
)
from pathgen.privacy.nearest_pairs import ClassPairs
from pathgen.privacy.settings import PrivacySettings
from pathgen.privacy.shift_ncc import nearest_shifted
from pathgen.results.audit_record import ExposedPatch, GroupRisk

_PERMUTATIONS_AT_ONCE = 1000  # bounds memory


@dataclass(frozen=True)
class Origins:
    """Patch sets with slides and patients, by label.

    Attributes:
        members: Training patches, in the order of the audited images.
        nonmembers: Non-members, in the order of the audited images.
        unseen: Patches of slides that were not used for training; may be empty.
    """

    members: Mapping[str, PatchSet]
    nonmembers: Mapping[str, PatchSet]
    unseen: Mapping[str, PatchSet]


def risk_by_group(
    scores: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    group: Sequence[str],
    *,
    confidence: float,
) -> tuple[GroupRisk, ...]:
    """Compute the share of training patches per group that an attacker identifies.

    The attacker names all patches above the score that 1 % of all non-members exceed.

    Args:
        scores: Scores, higher for members, (P,).
        is_member: Whether each patch is a member, (P,).
        group: Slide or patient of each patch, (P,).
        confidence: Level of the exact binomial intervals.

    Returns:
        Risk of each group with members, sorted by name. With many groups, some intervals do not include 1 %
        by chance.
    """
    names = np.asarray(group, dtype=str)
    others = scores[~is_member]
    allowed, threshold = false_positive_threshold(others, FALSE_POSITIVE_RATE)
    risks = []
    for name in np.unique(names[is_member]).tolist():
        own, same = scores[is_member & (names == name)], scores[~is_member & (names == name)]
        named = int((own > threshold).sum())
        low, high = binomial_interval(named, len(own), confidence)
        area = (own[:, None] > same).mean() + (own[:, None] == same).mean() / 2 if len(same) else None
        risks.append(
            GroupRisk(
                name=name,
                members=len(own),
                nonmembers=len(same),
                named=named,
                tpr=named / len(own),
                low=low,
                high=high,
                expected=(allowed + 1) / (len(others) + 1),
                auc=None if area is None else float(area),
            )
        )
    return tuple(risks)


def group_risks(
    pairs: ClassPairs, members: pd.DataFrame, nonmembers: pd.DataFrame
) -> dict[str, tuple[GroupRisk, ...]]:
    """Compute the risk per slide and, if all are known, per patient; the attack is GAN-Leaks by correlation.

    Args:
        pairs: Patches of the class and their nearest pairs.
        members: Origins of the members of the pool.
        nonmembers: Origins of its non-members.

    Returns:
        Risks under ``per_slide`` and ``per_patient``.
    """
    scores, is_member = -pairs.profile.pairs["ncc"].of_pool, pairs.pool.is_member
    risks = {}
    for key, column in (("per_slide", "slide"), ("per_patient", "patient")):
        names = pd.concat([members[column], nonmembers[column]])
        if not names.isna().any():
            groups = names.astype(str).tolist()
            risks[key] = risk_by_group(scores, is_member, groups, confidence=pairs.settings.confidence)
    return risks


def most_exposed(
    pairs: ClassPairs, members: pd.DataFrame, synthetic_rows: NDArray[np.int64]
) -> tuple[ExposedPatch, ...]:
    """List the training patches that a synthetic patch is unusually close to.

    Args:
        pairs: Patches of the class and their nearest pairs.
        members: Origins of the members of the pool.
        synthetic_rows: Row in the synthetic set of each synthetic patch, (Q,).

    Returns:
        Patches by exposure, the ratio of the distance to the nearest synthetic patch over that to the
        nearest reference patch, so that common patches are not listed for being common.
    """
    nearest, usual = pairs.profile.pairs["ncc"], pairs.reference_profile.pairs["ncc"]
    ratio = nearest.of_pool / np.maximum(usual.of_pool, 1e-9)
    exposure, of_others = np.split(ratio, [len(pairs.pool.members)])
    return tuple(
        ExposedPatch(
            slide=str(members["slide"].iloc[row]),
            item=int(members["item"].iloc[row]),
            synthetic_row=int(synthetic_rows[nearest.image[row]]),
            correlation=float(1 - nearest.of_pool[row]),
            usual_correlation=float(1 - usual.of_pool[row]),
            share_of_nonmembers=float((of_others <= exposure[row]).mean()),
        )
        for row in np.argsort(exposure, kind="stable")[: pairs.settings.exposed_patches].tolist()
    )


def slides_auc(
    seen: NDArray[np.float64],
    seen_slides: Sequence[str],
    unseen: NDArray[np.float64],
    unseen_slides: Sequence[str],
    settings: PrivacySettings,
    rng: np.random.Generator,
) -> TestResult | None:
    """Test whether training slides are distinguishable from other slides.

    Args:
        seen: Scores of patches of the training slides, higher for members, (P,).
        seen_slides: Slide of each of them, (P,).
        unseen: Scores of patches of other slides, (Q,).
        unseen_slides: Slide of each of them, (Q,).
        settings: Settings with the level of the interval and the maximum number of permutations of slides.
        rng: Random generator of the permutations.

    Returns:
        ROC-AUC of the mean scores of the slides; 0.5 is expected for exchangeable slides. The p-value
        permutes whole slides, because patches of one slide are not independent. None with fewer than two
        slides on either side. A generator that copies nothing may also be detected, because it reproduces
        the style of its training slides.
    """
    means = []
    for scores, slides in ((seen, seen_slides), (unseen, unseen_slides)):
        _, number = np.unique(np.asarray(slides, dtype=str), return_inverse=True)
        means.append(np.bincount(number, weights=scores) / np.bincount(number))
    if min(map(len, means)) < 2:
        return None
    test = scipy.stats.permutation_test(
        means,
        _pairs_in_order,
        vectorized=True,
        batch=_PERMUTATIONS_AT_ONCE,
        n_resamples=settings.n_permutations,
        alternative="greater",
        rng=rng,
    )
    area, low, high = auc_with_interval(means[0], means[1], settings.confidence)
    return TestResult(area, low, high, 0.5, float(test.pvalue))


def _pairs_in_order(a: NDArray[np.float64], b: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Return the number of pairs in which `a` is larger, ties counting half (Mann-Whitney's U)."""
    a, b = np.moveaxis(a, axis, -1)[..., :, None], np.moveaxis(b, axis, -1)[..., None, :]
    return np.asarray((a > b).sum(axis=(-2, -1)) + 0.5 * (a == b).sum(axis=(-2, -1)))


def slide_test(pairs: ClassPairs, members: pd.DataFrame, unseen: PatchSet) -> dict[str, TestResult]:
    """Test whether the training slides are distinguishable from unseen slides (see `slides_auc`).

    Args:
        pairs: Patches of the class and their nearest pairs.
        members: Origins of the members of the pool.
        unseen: Patches of other slides; at most as many as there are members are used.

    Returns:
        Result ``slide_auc``; empty with fewer than two slides on either side.
    """
    rng, pool = pairs.rng("unseen slides", pairs.label), pairs.pool
    n = len(pool.members)
    sample = unseen.take(np.sort(rng.choice(len(unseen), min(len(unseen), n), replace=False)))
    nearest, _ = nearest_shifted(np.asarray(sample.images), pairs.synthetic, pool.settings, pool.device)
    result = slides_auc(
        -pairs.profile.pairs["ncc"].of_pool[:n],
        members["slide"].astype(str).tolist(),
        -nearest.distance[:, 0],
        sample.index["slide"].astype(str).tolist(),
        pool.settings,
        rng,
    )
    return {"slide_auc": result} if result else {}
