"""The frozen family of attacks that the verdict rests on."""

import numpy as np

from pathgen.privacy.attack import Attack, AttackFeatures
from pathgen.privacy.attacks import (
    calibrated_l2,
    calibrated_ncc,
    close_ncc,
    closer_features,
    closer_l2,
    closer_ncc,
    domias,
    ganleaks_features,
    ganleaks_l2,
    ganleaks_ncc,
    montecarlo,
)
from pathgen.privacy.membership_tests import TestResult, member_share, score_tests
from pathgen.privacy.settings import PrivacySettings

FAMILY: tuple[Attack, ...] = (
    closer_l2.ATTACK,
    closer_ncc.ATTACK,
    closer_features.ATTACK,
    close_ncc.ATTACK,
    ganleaks_l2.ATTACK,
    ganleaks_ncc.ATTACK,
    ganleaks_features.ATTACK,
    calibrated_l2.ATTACK,
    calibrated_ncc.ATTACK,
    montecarlo.ATTACK,
    domias.ATTACK,
)
"""All attacks. A new one weakens the others, because Holm's adjustment grows with the number of tests."""

QUESTIONS = {
    f"{attack.name}{ending}": attack.questions[ending]
    for ending in ("", "_auc", "_tpr", "_strict_tpr")
    for attack in FAMILY
    if ending in attack.questions
}
"""Question of each test by its name; the answer "yes" means leakage."""


def run_attacks(
    features: AttackFeatures, settings: PrivacySettings, rng: np.random.Generator
) -> dict[str, TestResult]:
    """Run all tests that the verdict rests on.

    Args:
        features: Features of the patches of a pool.
        settings: Settings of the section ``privacy``.
        rng: Random generator of the labellings behind the p-values of votes.

    Returns:
        Results by the names in `QUESTIONS`.
    """
    results: dict[str, TestResult] = {}
    for attack in FAMILY:
        scores = attack.score(features)
        if attack.kind == "votes":
            results[attack.name] = member_share(scores, features.is_member, settings, rng)
        else:
            results |= score_tests(attack.name, scores, features.is_member, confidence=settings.confidence)
    return {name: results[name] for name in QUESTIONS}
