"""Compute all fidelity metrics of one synthetic set, per class and pooled, each with its floor."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pathgen.core.seeding import numpy_generator
from pathgen.metrics.features import EXTRACTORS
from pathgen.metrics.fidelity import (
    colour,
    frechet,
    kernel,
    manifold_coverage,
    manifold_density,
    manifold_precision,
    manifold_recall,
    sliced_wasserstein,
    spectrum,
)
from pathgen.metrics.fidelity.metric import FeaturePair, Metric, PatchFeatures
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.metrics.patch_checks import Images, check_patch_sets
from pathgen.metrics.power_spectrum import radial_power
from pathgen.results.fidelity_record import Fidelity, MetricInfo

METRICS: tuple[Metric, ...] = (
    frechet.METRIC,
    kernel.METRIC,
    manifold_precision.METRIC,
    manifold_recall.METRIC,
    manifold_density.METRIC,
    manifold_coverage.METRIC,
    sliced_wasserstein.METRIC,
    spectrum.METRIC,
    colour.METRIC,
)
"""All metrics."""

POOLED = "all"
"""Label of the results for both classes together, with the same number of patches of each."""

_CHUNK = 1024
_UNIT_PATCHES = 1000
_SPECTRUM_RINGS = 8


def measure_fidelity(
    train: Images, nonmember: Images, synthetic: Images, settings: FidelitySettings
) -> Fidelity:
    """Measure how similar synthetic and original patches are.

    Each value is the mean over random halves of the sets, and its interval is the spread over the halves:
    the spread of halves drawn without replacement estimates the uncertainty at the full size
    (delete-half jackknife, Shao and Wu 1989). The floor is the same metric between the same originals and
    other original patches of the same slides, at the same size, that is, the value of a perfect generator.
    A metric is meaningful only in comparison with its floor.

    Args:
        train: Original patches the generator was trained on, uint8 (N, S, S, 3), by label.
        nonmember: Original patches of the same slides that it was not trained on.
        synthetic: Synthetic patches; the metrics are computed for its labels.
        settings: Settings of the section ``fidelity``.

    Returns:
        The results.

    Raises:
        PathgenError: A set has too few patches, or the patches differ in size.
    """
    labels = list(synthetic)
    populations: dict[str, Images] = {"train": train, "nonmember": nonmember, "synthetic": synthetic}
    # Half of each set must hold the neighbours of every patch.
    smallest = 2 * (settings.neighbours_k + 1)
    check_patch_sets(populations, labels, smallest, "Sample more patches, or lower fidelity.neighbours_k")
    counts = {
        label: min(settings.max_patches, *(len(p[label]) for p in populations.values())) for label in labels
    }
    metrics: dict[str, float] = {}
    # The matrices are small: more BLAS threads wait for each other (five times slower on a busy machine),
    # and one thread gives the same bytes on any number of cores.
    with threadpool_limits(limits=1, user_api="blas"):
        features = _extracted(_sampled(populations, counts, settings.seed), settings)
        for label in labels:
            metrics |= _over_halves(label, features[label], [counts[label]], settings)
        if len(labels) > 1:
            per_class = min(counts.values())
            pooled = _pooled(features, counts, settings.seed)
            metrics |= _over_halves(POOLED, pooled, [per_class] * len(labels), settings)
            counts = {**counts, POOLED: per_class * len(labels)}
    return Fidelity(
        metrics=metrics,
        patches=counts,
        protocol=settings.model_dump(exclude={"max_patches"}),
        about={
            _name(metric, settings): MetricInfo(description=metric.description, better=metric.better)
            for metric in METRICS
        },
    )


def _name(metric: Metric, settings: FidelitySettings) -> str:
    return metric.key.format(extractor=settings.extractor)


def _sampled(populations: Mapping[str, Images], counts: Mapping[str, int], seed: int) -> dict[str, Images]:
    """Sample the same number of patches from each set."""
    sampled: dict[str, Images] = {}
    for role, by_label in populations.items():
        of_role = {}
        for label, count in counts.items():
            rng = numpy_generator(seed, "fidelity", "draw", role, label)
            rows = np.sort(rng.choice(len(by_label[label]), size=count, replace=False))
            of_role[label] = np.asarray(by_label[label][rows])
        sampled[role] = of_role
    return sampled


def _extracted(
    populations: Mapping[str, Images], settings: FidelitySettings
) -> dict[str, dict[str, PatchFeatures]]:
    """Compute the features that the metrics need, by label and role."""
    rng = numpy_generator(settings.seed, "fidelity", "directions")
    directions = sliced_wasserstein.draw_directions(settings.n_projections, rng)
    # The same unit for all classes, from about 1,000 patches of each, so that classes are comparable.
    thinned = [images[:: max(1, len(images) // _UNIT_PATCHES)] for images in populations["train"].values()]
    deviations = sliced_wasserstein.scale_deviations(np.concatenate(thinned))
    needs = sorted({name for metric in METRICS for name in metric.needs})
    found: dict[str, dict[str, PatchFeatures]] = {label: {} for label in populations["train"]}
    for role, by_label in populations.items():
        for label, images in by_label.items():
            functions: dict[str, Callable[[NDArray[np.uint8]], NDArray[Any]]] = {
                "images": np.asarray,
                "features": EXTRACTORS[settings.extractor],
                "spectra": partial(radial_power, n_rings=_SPECTRUM_RINGS),
                "colours": colour.colour_histograms,
                "projections": partial(
                    sliced_wasserstein.project_neighbourhoods,
                    directions=directions,
                    deviations=deviations,
                    rng=numpy_generator(settings.seed, "fidelity", "places", role, label),
                ),
            }
            chunks = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
            found[label][role] = _joined([{name: functions[name](part) for name in needs} for part in chunks])
    return found


def _joined(parts: Sequence[PatchFeatures]) -> PatchFeatures:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _rows(features: PatchFeatures, rows: NDArray[np.int64]) -> PatchFeatures:
    return {name: array[rows] for name, array in features.items()}


def _pooled(
    features: Mapping[str, Mapping[str, PatchFeatures]], counts: Mapping[str, int], seed: int
) -> dict[str, PatchFeatures]:
    """Concatenate the classes, the same number of patches of each."""
    parts: dict[str, list[PatchFeatures]] = {}
    for label, by_role in features.items():
        for role, of_role in by_role.items():
            rng = numpy_generator(seed, "fidelity", "pool", role, label)
            rows = rng.choice(counts[label], size=min(counts.values()), replace=False)
            parts.setdefault(role, []).append(_rows(of_role, rows))
    return {role: _joined(of_role) for role, of_role in parts.items()}


def _over_halves(
    label: str, sets: Mapping[str, PatchFeatures], strata: list[int], settings: FidelitySettings
) -> dict[str, float]:
    """Compute the metrics on random halves, with the same halves of the originals for set and floor."""
    values: dict[str, dict[str, list[float]]] = {"synthetic": {}, "nonmember": {}}
    for number in range(settings.n_subsets):
        halves = {}
        for role, features in sets.items():
            rng = numpy_generator(settings.seed, "fidelity", "half", label, role, number)
            halves[role] = _rows(features, _half(strata, rng))
        for role, of_role in values.items():
            pair = FeaturePair(halves["train"], halves[role], settings.neighbours_k)
            for metric in METRICS:
                of_role.setdefault(_name(metric, settings), []).append(metric.value(pair))
    metrics: dict[str, float] = {}
    for name in values["synthetic"]:
        key = f"fidelity/{label}/{name}"
        for role, ends in (
            ("synthetic", ("", "/low", "/high")),
            ("nonmember", ("/floor", "/floor_low", "/floor_high")),
        ):
            spread = _spread(values[role][name], settings.confidence)
            metrics |= {f"{key}{end}": value for end, value in zip(ends, spread, strict=True)}
    return metrics


def _half(strata: list[int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw half of the rows of each stratum; the strata are consecutive rows."""
    starts = np.cumsum([0, *strata[:-1]])
    return np.concatenate(
        [start + rng.permutation(n)[: n // 2] for start, n in zip(starts, strata, strict=True)]
    )


def _spread(values: list[float], confidence: float) -> tuple[float, float, float]:
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(np.mean(values)), float(low), float(high)
