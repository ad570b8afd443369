"""Coverage and level of the comparison on simulated slides and trainings."""

import math

import numpy as np
import pytest
from factories.runs import evaluate_settings
from scipy.stats import norm

from pathgen.evaluation.compare import compare
from pathgen.evaluation.evaluated_runs import EvaluatedRun, TestPatches
from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.results.comparison_record import Comparison
from pathgen.results.evaluation_record import Thresholds
from pathgen.run_matrix import RunKey

SLIDES, PATCHES = 12, 30
# Standard deviations of the scores: between patches 1, between slides of a class, and between trainings, by
# the first weights (the same seed has the same in both regimes), the generator's replicate, and the rest.
SLIDE_SD, SEED_SD, REPLICATE_SD, REST_SD = 0.5, 0.1, 0.15, 0.05
STRENGTHS = {"original": 0.9, "synthetic": 0.7}
REPLICATES, SEEDS = 3, range(9)
SETTINGS = evaluate_settings()
THRESHOLDS = Thresholds(call=0.5, operating=0.7)


def truth(regime: str, strength: float) -> float:
    """Return the accuracy over infinitely many slides and trainings: the sum of all spreads is normal."""
    trainings = SEED_SD**2 + REST_SD**2 + (REPLICATE_SD**2 if regime == "synthetic" else 0)
    return float(norm.cdf(strength / math.sqrt(1 + SLIDE_SD**2 + trainings)))


def made_up(rng: np.random.Generator, strengths: dict[str, float]) -> tuple[TestPatches, list[EvaluatedRun]]:
    """Draw slides, half of them with tumor in 60 % of the patches, and trainings of both regimes."""
    of_patch = np.repeat(np.arange(SLIDES), PATCHES)
    tumor = (of_patch < SLIDES // 2) & (np.tile(np.arange(PATCHES), SLIDES) < 0.6 * PATCHES)
    labels = tumor.astype(np.int64)
    shared = 0.8 * rng.normal(0, SLIDE_SD, (SLIDES, 2))
    of_seed = {seed: rng.normal(0, SEED_SD) for seed in SEEDS}
    runs = []
    for regime, strength in strengths.items():
        hard = (shared + 0.6 * rng.normal(0, SLIDE_SD, (SLIDES, 2)))[of_patch, labels]
        generator = None if regime == "original" else "dcgan"
        of_replicate = rng.normal(0, REPLICATE_SD if generator else 0.0, REPLICATES)
        for seed in SEEDS:
            replicate = seed % REPLICATES
            skill = strength + of_seed[seed] + of_replicate[replicate] + rng.normal(0, REST_SD)
            logits = skill * (2 * labels - 1) + hard + rng.normal(size=len(labels))
            key = RunKey(regime, generator, "cnn6", seed, replicate + 1 if generator else None)
            runs.append(EvaluatedRun(key, 1 / (1 + np.exp(-logits)), THRESHOLDS))
    return TestPatches(of_patch.astype(str).astype(object), labels), runs


def compared(rng: np.random.Generator, strengths: dict[str, float]) -> Comparison:
    test, runs = made_up(rng, strengths)
    clusters = build_clusters(test.slides, test.labels, slides_known=True, patients={})
    return compare(test, runs, clusters, SETTINGS)


@pytest.mark.long
def test_intervals_over_slides_and_trainings_cover_the_truth() -> None:
    rng, sets = np.random.default_rng(1), 600
    true = {regime: truth(regime, strength) for regime, strength in STRENGTHS.items()}
    wanted = [true["original"], true["synthetic"], true["synthetic"] - true["original"]]
    held = np.zeros(3)
    for _ in range(sets):
        found = compared(rng, STRENGTHS)
        measured = [one.metrics["accuracy"] for one in (*found.regimes, *found.differences)]
        held += [one.low <= value <= one.high for one, value in zip(measured, wanted, strict=True)]
    assert (held / sets > 0.93).all(), held / sets
    assert (held / sets < 0.985).all(), held / sets


@pytest.mark.long
def test_equal_regimes_differ_significantly_at_the_level() -> None:
    # Equal in truth: the replicates' spread takes a little from the accuracy of the same strength.
    spread = math.sqrt(1 + SLIDE_SD**2 + SEED_SD**2 + REST_SD**2)
    equal = {"original": 0.8, "synthetic": 0.8 * math.hypot(spread, REPLICATE_SD) / spread}
    assert truth("original", equal["original"]) == pytest.approx(truth("synthetic", equal["synthetic"]))
    rng, sets = np.random.default_rng(2), 600
    false = sum(compared(rng, equal).differences[0].p_value < 0.05 for _ in range(sets))
    assert 0.015 < false / sets < 0.07
