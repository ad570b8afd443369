"""Calibrated GAN-Leaks: distance by correlation to the synthetic set over that to the reference patches."""

import numpy as np
from numpy.typing import NDArray

from pathgen.privacy.attack import Attack, AttackFeatures


def _score(features: AttackFeatures) -> NDArray[np.float64]:
    # A ratio, because the distance of a copy is almost 0, whatever the distance to the reference patches.
    return -features.distance["ncc"] / np.maximum(features.reference_distance["ncc"], 1e-9)


ATTACK = Attack(
    name="calibrated_ncc",
    question="Does the correlation with the synthetic set, relative to reference patches, "
    "distinguish training patches from unseen ones?",
    score=_score,
    source="GAN-Leaks, calibrated: Chen et al. 2020, section 4, as a ratio",
)
