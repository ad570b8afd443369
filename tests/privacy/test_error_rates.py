"""Error rates over many simulated studies."""

import numpy as np
import pytest

from pathgen.privacy.membership_tests import attack_auc, attack_tpr
from pathgen.privacy.neighbours import nearest_both_ways

N, N_SYNTHETIC, SIMULATIONS = 200, 400, 100


def originals(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return patches of varied contrast, some of which are similar to many others."""
    strength = rng.lognormal(0, 0.4, (n, 1, 1, 1))
    coarse = rng.normal(0, 18, (n, 3, 3, 3)).repeat(2, axis=1).repeat(2, axis=2)
    return np.clip(128 + strength * coarse + rng.normal(0, 3, (n, 6, 6, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_membership_tests_over_a_hundred_simulations(share: float) -> None:
    covered, above = 0, 0
    is_member = np.arange(2 * N) < N
    for seed in range(SIMULATIONS):
        rng = np.random.default_rng(seed)
        pool, synthetic = originals(rng, 2 * N), originals(rng, N_SYNTHETIC)
        copied = round(share * N_SYNTHETIC)
        synthetic[:copied] = pool[rng.integers(0, N, copied)]
        _, nearest = nearest_both_ways(synthetic, pool, measure="l2", k=1)
        scores = -nearest.distance[:, 0]
        area = attack_auc(scores, is_member, confidence=0.95)
        covered += area.low <= 0.5 <= area.high
        above += attack_tpr(scores, is_member, confidence=0.95).p_value <= 0.025
    if share:
        assert above == SIMULATIONS
        assert covered > 10  # the AUC is insensitive to rare copies
    else:
        assert covered >= 93
        assert above <= 7
