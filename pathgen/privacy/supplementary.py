"""What is told of a class beside its verdict: published scores of copying, and the shadow discriminator."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.privacy.attacks import Finding, discriminator_attack
from pathgen.privacy.blocked_knn import one_thread_each
from pathgen.privacy.class_audit import Comparison, descriptions_json
from pathgen.privacy.controls import shrunken
from pathgen.privacy.memorisation_scores import Description, describe, yardstick
from pathgen.privacy.shadow import shadow_scores


def published_scores(
    label: str, comparison: Comparison, *, confidence: float, seed: int
) -> tuple[dict[str, Description], dict[str, Any]]:
    """Score the set, nothing but copies, and a set of little variety.

    Args:
        label: The class, part of the purpose of the draws.
        comparison: All nearest pairs.
        confidence: Coverage of the intervals.
        seed: Seed of every draw.

    Returns:
        The scores of the set (see `describe`), and those of all three as plain data.
    """
    pool = comparison.pool
    measured = yardstick(pool, numpy_generator(seed, "privacy", "cells", label))
    copied = numpy_generator(seed, "privacy", "described copies", label).choice(
        len(comparison.learnt_from), min(len(comparison.learnt_from), len(pool.members)), replace=False
    )
    found = [
        describe(
            images,
            coordinates,
            pool,
            measured,
            confidence=confidence,
            rng=numpy_generator(seed, "privacy", "resamples", label),
        )
        for images, coordinates in (
            (comparison.synthetic, comparison.seen.coordinates),
            *(
                (images, pool.projection.coordinates(images))
                for images in (
                    np.asarray(comparison.learnt_from[np.sort(copied)]),
                    shrunken(comparison.reference[0]),
                )
            ),
        )
    ]
    return found[0], descriptions_json(*found)


def shadow_findings(
    label: str, comparison: Comparison, *, steps: int, confidence: float, seed: int
) -> dict[str, Finding]:
    """Attack with a discriminator trained on the set, and, as its control, with one trained on copies.

    Args:
        label: The class, part of the purpose of the draws.
        comparison: All nearest pairs.
        steps: Optimiser steps of either training.
        confidence: Coverage of the intervals.
        seed: Seed of every draw.

    Returns:
        Findings that begin with ``shadow`` and ``shadow_on_copies``, see `discriminator_attack`.
    """
    pool = comparison.pool
    n = len(pool.members)
    judged = np.concatenate([pool.members, pool.nonmembers])
    sets = {"shadow": comparison.synthetic, "shadow_on_copies": comparison.learnt_from}

    def scores(name: str) -> NDArray[np.float64]:
        return shadow_scores(
            sets[name],
            np.concatenate(comparison.reference),
            judged,
            steps=steps,
            seed=seed,
            purpose=f"{label} {name}",
            device=pool.device,
        )

    found: dict[str, Finding] = {}
    with one_thread_each() as workers:  # the layers are too small to be shared between threads
        for name, scored in zip(sets, workers.map(scores, sets), strict=True):
            found |= discriminator_attack(name, scored[:n], scored[n:], confidence=confidence)
    return found
