"""Results that the verdict does not rest on: memorisation scores, discriminator attacks, close patches."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from pathgen.privacy.blocked_knn import one_thread_each
from pathgen.privacy.controls import mean_shrunk
from pathgen.privacy.membership_tests import TestResult, score_tests
from pathgen.privacy.memorisation_scores import SCORES, compute_scores, reference_stats
from pathgen.privacy.nearest_pairs import ClassPairs
from pathgen.privacy.rate_intervals import wilson_interval
from pathgen.privacy.shadow import shadow_scores
from pathgen.results.audit import MemorisationScore


def shares_above_quantile(pairs: ClassPairs) -> dict[str, TestResult]:
    """Compute the share of synthetic patches that are closer to an original than 99.9 % of reference patches.

    A smooth or repetitive generator exceeds 0.1 % for members AND non-members without copying. Only the
    difference between the two indicates copying, so this is not a test.

    Args:
        pairs: Patches of the class and their nearest pairs.

    Returns:
        Shares ``above_q999_members`` and ``above_q999_nonmembers``.
    """
    synthetic, reference = pairs.profile.pairs["ncc"], pairs.reference_profile.pairs["ncc"]
    shares = {}
    for side, distance, usual in (
        ("members", synthetic.to_member, reference.to_member),
        ("nonmembers", synthetic.to_nonmember, reference.to_nonmember),
    ):
        share = float((distance < np.quantile(usual, 0.001)).mean())
        low, high = wilson_interval(share, len(distance), pairs.settings.confidence)
        shares[f"above_q999_{side}"] = TestResult(share, low, high, 0.001, 1.0)
    return shares


def memorisation_scores(pairs: ClassPairs) -> Mapping[str, MemorisationScore]:
    """Compute the memorisation scores of the set, of copies, and of a set of little variety.

    Args:
        pairs: Patches of the class and their nearest pairs.

    Returns:
        Scores by name, see `pathgen.privacy.memorisation_scores`.
    """
    pool, label = pairs.pool, pairs.label
    stats = reference_stats(pool, pairs.rng("cells", label))
    copied = pairs.rng("described copies", label).choice(
        len(pairs.train), min(len(pairs.train), len(pool.members)), replace=False
    )
    of_set, of_copies, of_shrunk = (
        compute_scores(
            images,
            pool,
            stats,
            confidence=pairs.settings.confidence,
            rng=pairs.rng("resamples", label),
        )
        for images in (
            pairs.synthetic,
            np.asarray(pairs.train[np.sort(copied)]),
            mean_shrunk(pairs.reference[0]),
        )
    )
    return {
        name: MemorisationScore(
            question=SCORES[name],
            value=one.value,
            low=one.low,
            high=one.high,
            expected=one.expected,
            on_copies=of_copies[name].value if name in of_copies else None,
            on_shrunken_variety=of_shrunk[name].value if name in of_shrunk else None,
        )
        for name, one in of_set.items()
    }


def discriminator_tests(
    pairs: ClassPairs, discriminator: Callable[[NDArray[np.uint8]], NDArray[np.float64]]
) -> dict[str, TestResult]:
    """Attack with the discriminator of the generator.

    The result shows what a release of the DISCRIMINATOR would leak, even if the synthetic set leaks nothing.

    Args:
        pairs: Patches of the class and their nearest pairs.
        discriminator: Function that returns scores, higher for "original".

    Returns:
        Results that begin with ``discriminator``, see `score_tests`.

    Source:
        LOGAN, white box: Hayes et al. 2019, section 4.
    """
    scores = [discriminator(images) for images in (pairs.pool.members, pairs.pool.nonmembers)]
    return _tests(pairs, "discriminator", np.concatenate(scores))


def shadow_tests(pairs: ClassPairs) -> dict[str, TestResult]:
    """Attack with a discriminator trained on the synthetic set and, as a control, on copies.

    Args:
        pairs: Patches of the class and their nearest pairs.

    Returns:
        Results that begin with ``shadow`` and ``shadow_on_copies``, see `score_tests`.
    """
    pool = pairs.pool
    candidates = np.concatenate([pool.members, pool.nonmembers])
    sets = {"shadow": pairs.synthetic, "shadow_on_copies": pairs.train}

    def scores(name: str) -> NDArray[np.float64]:
        return shadow_scores(
            sets[name],
            np.concatenate(pairs.reference),
            candidates,
            steps=pairs.settings.shadow_steps,
            seed=pairs.settings.seed,
            purpose=f"{pairs.label} {name}",
            device=pool.search.device,
        )

    results: dict[str, TestResult] = {}
    with one_thread_each() as workers:  # the layers are too small to be split between threads
        for name, of_name in zip(sets, workers.map(scores, sets), strict=True):
            results |= _tests(pairs, name, of_name)
    return results


def _tests(pairs: ClassPairs, name: str, scores: NDArray[np.float64]) -> dict[str, TestResult]:
    is_member = np.repeat([True, False], [len(pairs.pool.members), len(pairs.pool.nonmembers)])
    return score_tests(name, scores, is_member, confidence=pairs.settings.confidence)
