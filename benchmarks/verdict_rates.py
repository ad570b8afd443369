"""Measure the error rates of the verdict on simulated studies with a known difference between the regimes.

A study has test slides, generator trainings and classifier trainings that vary by the standard deviations of
`Design`. Its scores are compared as those of a real study. Printed for each true difference: shares of the
answers, coverage and half-width of the interval, and how often the advice of an inconclusive study is within
a factor of 1.5 of that from the true variances and the same distance.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Result, report
from pathgen.core.params import load_section
from pathgen.evaluation.compare import compare
from pathgen.evaluation.evaluated_runs import EvaluatedRun, TestPatches
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.results.comparison_record import Comparison, Component, ErrorComponent, MetricDifference
from pathgen.results.evaluation_record import Thresholds
from pathgen.results.verdict_record import Needed, UsefulAlone
from pathgen.run_matrix import ORIGINAL, RunKey, control_seeds, regime_name
from pathgen.verdict.advice import needed
from pathgen.verdict.control_answers import EXPECTED
from pathgen.verdict.questions import accuracy_difference, distance_alone, useful_alone

CLASSIFIER, GENERATOR = "cnn6", "dcgan"
# Accuracy lost with each control.
CONTROL_FRESH = "control-fresh"
CONTROL_LOSS = {CONTROL_FRESH: 0.0, "control-noise": 0.2, "control-blur": 0.2}
_ADVICE_FACTOR = 1.5


@dataclass(frozen=True)
class Design:
    """Size of a study, and standard deviations of the accuracy.

    Attributes:
        slides: Number of test slides, half of them with tumour.
        patches: Number of patches of each.
        replicates: Number of trainings of the generator.
        seeds: Number of trainings of a classifier per regime; each belongs to one replicate.
        accuracy: Accuracy on original patches.
        slide: SD over slides, the same in all regimes.
        slide_original: SD over slides in the regimes trained on originals alone, beyond that.
        slide_regime: The same in each other regime.
        replicate: SD over generator trainings.
        seed: SD over seeds, the same in all regimes.
        training: SD over classifier trainings, beyond their seed.
    """

    slides: int = 50
    patches: int = 24
    replicates: int = 9
    seeds: int = 9
    accuracy: float = 0.85
    slide: float = 0.05
    slide_original: float = 0.02
    slide_regime: float = 0.08
    replicate: float = 0.02
    seed: float = 0.01
    training: float = 0.015


def simulated(
    rng: np.random.Generator, losses: Mapping[str, float], design: Design
) -> tuple[TestPatches, list[EvaluatedRun]]:
    """Draw the scores of one study; `losses` is the accuracy lost with each generator or control."""
    of_patch = np.repeat(np.arange(design.slides), design.patches)
    # Half of the patches of a tumour slide are tumour.
    labels = ((of_patch % 2 == 1) & (np.arange(len(of_patch)) % 2 == 1)).astype(np.int64)
    hard = rng.normal(0, design.slide, design.slides)
    of_seed = rng.normal(0, design.seed, design.seeds)
    shared = rng.random(len(labels))
    thresholds = Thresholds(call=0.5, operating=0.5)
    runs = []
    for generator, lost in [(None, 0.0), *losses.items()]:
        regime = ORIGINAL if generator is None else "synthetic"
        on_originals = generator in (None, CONTROL_FRESH)
        own_sd = design.slide_original if on_originals else design.slide_regime
        own = rng.normal(0, own_sd, design.slides)
        of_replicate = rng.normal(0, design.replicate if generator == GENERATOR else 0, design.replicates)
        seeds = range(design.seeds)
        for seed in control_seeds(generator, seeds) if generator in CONTROL_LOSS else seeds:
            replicate = seed % design.replicates
            skill = design.accuracy - lost + of_replicate[replicate] + of_seed[seed]
            skill += rng.normal(0, design.training)
            right = _right(rng, shared, (skill + hard + own)[of_patch])
            number = replicate + 1 if generator == GENERATOR else None
            key = RunKey(regime, generator, CLASSIFIER, seed, number)
            runs.append(EvaluatedRun(key, np.where(right == (labels == 1), 0.9, 0.1), thresholds))
    return TestPatches(of_patch.astype(str).astype(object), labels), runs


def _right(
    rng: np.random.Generator, shared: NDArray[np.float64], chance: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Draw which patches are right: patches that are hard for one training are so for the others too."""
    mean = (shared + rng.random(len(shared))) / 2
    # Distribution function of the mean of two uniform numbers: the result is uniform.
    uniform = np.where(mean < 0.5, 2 * mean**2, 1 - 2 * (1 - mean) ** 2)
    return np.asarray(uniform < np.clip(chance, 0.01, 0.99))


def compared(
    rng: np.random.Generator, losses: Mapping[str, float], design: Design, settings: EvaluateSettings
) -> Comparison:
    """Simulate and compare one study."""
    test, runs = simulated(rng, losses, design)
    clusters = build_clusters(test.slides, test.labels, slides_known=True, patients={})
    return compare(test, runs, clusters, settings)


def _difference(comparison: Comparison, generator: str) -> MetricDifference:
    found = accuracy_difference(comparison, CLASSIFIER, regime_name("synthetic", generator))
    assert found is not None and found.low is not None and found.high is not None
    return found


def true_components(found: Sequence[Mapping[Component, ErrorComponent]]) -> dict[Component, ErrorComponent]:
    """Return the expected variances, as the mean over many studies, with the mean degrees of freedom."""
    parts: dict[Component, list[ErrorComponent]] = {}
    for components in found:
        for name, component in components.items():
            parts.setdefault(name, []).append(component)
    return {
        name: ErrorComponent(
            error=math.sqrt(np.mean([one.error**2 for one in of_name])),
            freedom=float(np.mean([one.freedom for one in of_name])),
            count=of_name[0].count,
        )
        for name, of_name in parts.items()
    }


def advice_is_right(advised: Needed, true: Needed) -> dict[str, bool]:
    """Return for each number of the advice whether it is within a factor of 1.5 of the true one."""

    def close(one: float | None, other: float | None) -> bool:
        if one is None or other is None:
            return one is other
        return max(one, other) <= _ADVICE_FACTOR * min(one, other)

    of_units = {name: close(count, true.alone.get(name)) for name, count in advised.alone.items()}
    return {"factor": close(advised.factor, true.factor), **of_units}


def _rates(
    found: Sequence[MetricDifference], loss: float, margin: float, confidence: float
) -> Iterator[tuple[str, float]]:
    outcomes: Counter[UsefulAlone] = Counter(useful_alone(one.low, one.high, margin) for one in found)
    for outcome in ("adequate", "inadequate", "inconclusive"):
        yield outcome, outcomes[outcome] / len(found)
    ends = np.array([(one.low, one.high) for one in found])
    yield "coverage", float(np.mean((ends[:, 0] <= -loss) & (-loss <= ends[:, 1])))
    yield "half-width, mean", float(np.mean(ends[:, 1] - ends[:, 0]) / 2)
    true = true_components([one.components for one in found])
    for name, component in true.items():
        yield f"standard error, {name}", component.error
    right: dict[str, list[bool]] = {}
    for one in found:
        distance = distance_alone(one.difference, margin)
        if useful_alone(one.low, one.high, margin) == "inconclusive" and distance > 0:
            advised, wanted = (needed(parts, distance, confidence) for parts in (one.components, true))
            for name, close in advice_is_right(advised, wanted).items():
                right.setdefault(name, []).append(close)
    for name, values in right.items():
        yield f"advice right, {name} (of {len(values)})", float(np.mean(values))


def main(
    studies: int = 400,
    losses: list[float] = [0.0, 0.02, 0.05, 0.1],  # noqa: B006
    margin: float = 0.05,
    slides: int = Design.slides,
    patches: int = Design.patches,
    replicates: int = Design.replicates,
    seeds: int = Design.seeds,
    resamples: int = 300,
) -> None:
    design = Design(slides=slides, patches=patches, replicates=replicates, seeds=seeds)
    settings = load_section("evaluate", EvaluateSettings).model_copy(update={"resamples": resamples})
    results = []
    for loss in losses:
        rng = np.random.default_rng(1)
        found = [compared(rng, {GENERATOR: loss}, design, settings) for _ in range(studies)]
        rates = _rates([_difference(one, GENERATOR) for one in found], loss, margin, settings.confidence)
        results += [Result(f"loss {loss:g}: {name}", value, "share") for name, value in rates]
    rng = np.random.default_rng(2)
    found = [compared(rng, CONTROL_LOSS, design, settings) for _ in range(studies)]
    for control, expected in EXPECTED.items():
        answers = [_difference(one, control) for one in found]
        right = [useful_alone(one.low, one.high, margin) == expected for one in answers]
        results.append(Result(f"{control} {expected}", float(np.mean(right)), "share"))
    report(results, {})
