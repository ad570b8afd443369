"""Simulated test sets of known truth: correlated patches of slides that differ in size and difficulty.

``python tests/metrics/clustered.py`` prints the coverage that docs/decisions quotes.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.metrics.statistics.bootstrap_metrics import ScoredTestSet, prepare_scores
from pathgen.metrics.statistics.confidence_intervals import (
    BootstrapDraws,
    bootstrap,
    bootstrap_se,
    difference_ci,
    difference_draws,
    proportion_ci,
)
from pathgen.results.evaluation_record import Thresholds, Unit

SHARES = ("accuracy", "precision", "recall", "specificity", "f1", "roc_auc", "average_precision")
PATCHES = 100
TUMOR_SHARE = 0.6
# Standard deviation between slides of a class's mean score; between patches of a slide it is 1.
SLIDE_SD = 0.5
# Where a patient has several slides: between patients, and between the slides of one; together as above.
PATIENT_SDS = (0.45, math.sqrt(0.5**2 - 0.45**2))
# Two classifiers: how far apart the classes' means lie, halved.
STRENGTHS = (0.8, 0.6)


@dataclass(frozen=True)
class MadeUp:
    """A test set: patches of many slides, and the scores of two classifiers."""

    slides: NDArray[np.object_]
    labels: NDArray[np.int64]
    scores: tuple[NDArray[np.float64], NDArray[np.float64]]
    patients: dict[str, str]


def made_up(slides: int, rng: np.random.Generator, slides_per_patient: int = 1) -> MadeUp:
    """Draw slides, the first half of them with tumor; both classifiers find the same slides hard."""
    sizes = np.maximum(5, np.exp(rng.normal(math.log(PATCHES), 0.5, slides))).astype(int)
    with_tumor = np.arange(slides) < slides // 2
    tumors = np.where(with_tumor, np.round(TUMOR_SHARE * sizes), 0).astype(int)
    of_patch = np.repeat(np.arange(slides), sizes)
    within = np.concatenate([np.arange(size) for size in sizes])
    labels = (within < tumors[of_patch]).astype(np.int64)
    shared = 0.8 * _difficulty(slides, rng, slides_per_patient)
    scores = []
    for strength in STRENGTHS:
        hard = shared + 0.6 * _difficulty(slides, rng, slides_per_patient)
        logits = strength * (2 * labels - 1) + hard[of_patch, labels] + rng.normal(size=len(labels))
        scores.append(1 / (1 + np.exp(-logits)))
    names = np.array([f"slide {number:04d}" for number in of_patch], dtype=object)
    patients = {f"slide {number:04d}": f"{number // slides_per_patient}" for number in range(slides)}
    return MadeUp(names, labels, (scores[0], scores[1]), patients)


def _difficulty(slides: int, rng: np.random.Generator, slides_per_patient: int) -> NDArray[np.float64]:
    """Draw how hard each slide is in either class, shape (slides, 2), standard deviation `SLIDE_SD`."""
    if slides_per_patient == 1:
        return rng.normal(0, SLIDE_SD, (slides, 2))
    between, within = PATIENT_SDS
    of_patient = rng.normal(0, between, (slides // slides_per_patient, 2))
    return np.repeat(of_patient, slides_per_patient, axis=0) + rng.normal(0, within, (slides, 2))


def scored(made: MadeUp, which: int, by: Unit = "slide") -> ScoredTestSet:
    """Arrange one classifier's scores."""
    patients = made.patients if by == "patient" else {}
    clusters = build_clusters(made.slides, made.labels, slides_known=by != "patch", patients=patients)
    thresholds = Thresholds(call=0.5, operating=0.7)
    return prepare_scores(made.labels, made.scores[which], clusters, thresholds)


def draws(made: MadeUp, which: int, resamples: int, by: Unit = "slide") -> BootstrapDraws:
    """Resample one classifier's results."""
    return bootstrap(scored(made, which, by), resamples=resamples, seed=1)


def truth(strength: float) -> dict[str, float]:
    """Return the metrics over infinitely many slides: scores of both classes are normal, and equally wide."""
    spread = math.sqrt(1 + SLIDE_SD**2)
    right = float(norm.cdf(strength / spread))
    tumors = TUMOR_SHARE / 2
    hits, alarms = tumors * right, (1 - tumors) * (1 - right)
    recalls = np.linspace(0, 1, 20_001)[1:-1]
    false_rates = norm.sf(norm.isf(recalls) + 2 * strength / spread)
    precisions = tumors * recalls / (tumors * recalls + (1 - tumors) * false_rates)
    return {
        "accuracy": right,
        "precision": hits / (hits + alarms),
        "recall": right,
        "specificity": right,
        "f1": 2 * hits / (hits + alarms + tumors),
        "roc_auc": float(norm.cdf(2 * strength / spread / math.sqrt(2))),
        "average_precision": float(precisions.mean()),
    }


@dataclass(frozen=True)
class Coverage:
    """How often 95 % intervals held the truth, by metric; ``difference`` is the one of two accuracies."""

    ours: dict[str, float]
    percentile: dict[str, float]


def coverage(
    slides: int, sets: int, resamples: int, by: Unit = "slide", slides_per_patient: int = 1
) -> Coverage:
    """Draw test sets and count how often the intervals, and plain percentiles, hold the truth."""
    rng, (first, second) = np.random.default_rng(slides), map(truth, STRENGTHS)
    wanted = first | {"difference": first["accuracy"] - second["accuracy"]}
    ours, percentile = (dict.fromkeys((*SHARES, "difference"), 0) for _ in range(2))
    for _ in range(sets):
        made = made_up(slides, rng, slides_per_patient)
        runs = [draws(made, which, resamples, by) for which in (0, 1)]
        for name in ours:
            shown = difference_draws(*runs) if name == "difference" else runs[0]
            metric = "accuracy" if name == "difference" else name
            spread = bootstrap_se(shown, metric)
            if spread is not None:
                form = difference_ci if name == "difference" else proportion_ci
                ends = form(shown.value[metric], spread, 0.95)
                ours[name] += ends is not None and ends[0] <= wanted[name] <= ends[1]
            low, high = np.nanquantile(shown.resampled[metric], [0.025, 0.975])
            percentile[name] += bool(low <= wanted[name] <= high)
    shares = [{name: hits / sets for name, hits in by.items()} for by in (ours, percentile)]
    return Coverage(*shares)


def margin(sets: int) -> float:
    """Return three standard errors of a coverage near 95 % that was counted over so many sets."""
    return 3 * math.sqrt(0.95 * 0.05 / sets)


if __name__ == "__main__":
    for count in (4, 6, 8, 12, 20, 40, 100):
        print(f"{count} slides: coverage of 95 % intervals over 2,000 test sets, then by patch over 200")
        for kind, by in vars(coverage(count, 2000, 300)).items():
            print("  ", kind, {name: round(value, 3) for name, value in by.items()}, flush=True)
        by_patch = coverage(count, 200, 50, "patch").ours
        print("   by patch", {name: round(value, 3) for name, value in by_patch.items()}, flush=True)
    for unit in ("patient", "slide"):
        by = coverage(60, 2000, 300, unit, 5).ours
        print("12 patients of 5 slides, by", unit, {name: round(value, 3) for name, value in by.items()})
