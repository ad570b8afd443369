"""Results that the verdict does not rest on: memorisation scores, discriminator attacks, close patches."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.privacy.blocked_knn import one_thread_each
from pathgen.privacy.controls import mean_shrunk
from pathgen.privacy.membership_tests import TestResult, score_tests
from pathgen.privacy.memorisation_scores import SCORES, compute_scores, reference_stats
from pathgen.privacy.nearest_pairs import ClassPairs
from pathgen.privacy.rate_intervals import wilson_interval
from pathgen.privacy.settings import PrivacySettings
from pathgen.privacy.shadow import shadow_scores
from pathgen.results.audit import MemorisationScore


def shares_above_quantile(pairs: ClassPairs, settings: PrivacySettings) -> dict[str, TestResult]:
    """Compute the share of synthetic patches that are closer to an original than 99.9 % of reference patches.

    A smooth or repetitive generator exceeds 0.1 % for members AND non-members without copying. Only the
    difference between the two indicates copying, so this is not a test.

    Args:
        pairs: Patches of the class and their nearest pairs.
        settings: Settings of the section ``privacy``.

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
        low, high = wilson_interval(share, len(distance), settings.confidence)
        shares[f"above_q999_{side}"] = TestResult(share, low, high, 0.001, 1.0)
    return shares


def memorisation_scores(
    pairs: ClassPairs, settings: PrivacySettings, label: str
) -> Mapping[str, MemorisationScore]:
    """Compute the memorisation scores of the set, of copies, and of a set of little variety.

    Args:
        pairs: Patches of the class and their nearest pairs.
        settings: Settings of the section ``privacy``.
        label: Class; part of the purpose of the random draws.

    Returns:
        Scores by name, see `pathgen.privacy.memorisation_scores`.
    """
    pool, seed = pairs.pool, settings.seed
    stats = reference_stats(pool, numpy_generator(seed, "privacy", "cells", label))
    copied = numpy_generator(seed, "privacy", "described copies", label).choice(
        len(pairs.train), min(len(pairs.train), len(pool.members)), replace=False
    )
    of_set, of_copies, of_shrunk = (
        compute_scores(
            images,
            pool,
            stats,
            confidence=settings.confidence,
            rng=numpy_generator(seed, "privacy", "resamples", label),
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
    pairs: ClassPairs,
    discriminator: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
    settings: PrivacySettings,
) -> dict[str, TestResult]:
    """Attack with the discriminator of the generator.

    The result shows what a release of the DISCRIMINATOR would leak, even if the synthetic set leaks nothing.

    Args:
        pairs: Patches of the class and their nearest pairs.
        discriminator: Function that returns scores, higher for "original".
        settings: Settings of the section ``privacy``.

    Returns:
        Results that begin with ``discriminator``, see `score_tests`.

    Source:
        LOGAN, white box: Hayes et al. 2019, section 4.
    """
    scores = [discriminator(images) for images in (pairs.pool.members, pairs.pool.nonmembers)]
    return _of_members_and_nonmembers("discriminator", scores[0], scores[1], settings)


def shadow_tests(pairs: ClassPairs, settings: PrivacySettings, label: str) -> dict[str, TestResult]:
    """Attack with a discriminator trained on the synthetic set and, as a control, on copies.

    Args:
        pairs: Patches of the class and their nearest pairs.
        settings: Settings of the section ``privacy``.
        label: Class; part of the purpose of the random draws.

    Returns:
        Results that begin with ``shadow`` and ``shadow_on_copies``, see `score_tests`.
    """
    pool = pairs.pool
    n = len(pool.members)
    candidates = np.concatenate([pool.members, pool.nonmembers])
    sets = {"shadow": pairs.synthetic, "shadow_on_copies": pairs.train}

    def scores(name: str) -> NDArray[np.float64]:
        return shadow_scores(
            sets[name],
            np.concatenate(pairs.reference),
            candidates,
            steps=settings.shadow_steps,
            seed=settings.seed,
            purpose=f"{label} {name}",
            device=pool.search.device,
        )

    results: dict[str, TestResult] = {}
    with one_thread_each() as workers:  # the layers are too small to be split between threads
        for name, of_name in zip(sets, workers.map(scores, sets), strict=True):
            results |= _of_members_and_nonmembers(name, of_name[:n], of_name[n:], settings)
    return results


def _of_members_and_nonmembers(
    name: str,
    members: NDArray[np.float64],
    nonmembers: NDArray[np.float64],
    settings: PrivacySettings,
) -> dict[str, TestResult]:
    is_member = np.repeat([True, False], [len(members), len(nonmembers)])
    scores = np.concatenate([members, nonmembers])
    return score_tests(name, scores, is_member, confidence=settings.confidence)
