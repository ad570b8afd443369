"""All fidelity measures of one synthetic set, per class and pooled, each beside its floor."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathgen.errors import PathgenError
from pathgen.metrics.fidelity.colour import colour_distance, colour_histograms
from pathgen.metrics.fidelity.features import EXTRACTORS, SMALLEST_SIDE_PX
from pathgen.metrics.fidelity.frechet import frechet_distance
from pathgen.metrics.fidelity.kernel import kernel_distance
from pathgen.metrics.fidelity.manifold import manifold_measures
from pathgen.metrics.fidelity.sliced_wasserstein import (
    draw_directions,
    project_neighbourhoods,
    scale_deviations,
    sliced_wasserstein,
)
from pathgen.metrics.fidelity.spectrum import radial_power, spectrum_distance_db
from pathgen.seeding import numpy_generator

POOLED = "all"
"""The label under which both classes together are reported, the same number of patches of each."""

_CHUNK = 1024
_SPECTRUM_RINGS = 8
Images = Mapping[str, NDArray[np.uint8]]
"""RGB patches of shape (N, S, S, 3) by label."""


@dataclass(frozen=True)
class _Described:
    """What the measures need of each patch; every array has one row per patch."""

    features: NDArray[np.float64]  # (N, D)
    spectra: NDArray[np.float64]  # (N, rings)
    colours: NDArray[np.float64]  # (N, 3, 256)
    projected: NDArray[np.float32]  # (N, scales, 8, P)

    def rows(self, rows: NDArray[np.int64]) -> "_Described":
        return _Described(self.features[rows], self.spectra[rows], self.colours[rows], self.projected[rows])


def _joined(parts: list[_Described]) -> _Described:
    return _Described(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.spectra for part in parts]),
        np.concatenate([part.colours for part in parts]),
        np.concatenate([part.projected for part in parts]),
    )


@dataclass(frozen=True)
class FidelityReport:
    """Fidelity of one synthetic set.

    Attributes:
        metrics: ``fidelity/{label}/{measure}`` and, below it, ``/low``, ``/high``, ``/floor``,
            ``/floor_low``, ``/floor_high``; label ``normal``, ``tumor`` or ``all``.
        patches: Patches taken from EACH of the three sets, by label.
        protocol: Name of the feature protocol and the values that shape the numbers.
    """

    metrics: dict[str, float]
    patches: dict[str, int]
    protocol: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return plain data for `pathgen.files.write_json`."""
        return {"metrics": self.metrics, "patches": self.patches, "protocol": self.protocol}


def _chunks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(images), _CHUNK):
        yield images[start : start + _CHUNK]


def _drawn(images: NDArray[np.uint8], count: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    rows = np.sort(rng.choice(len(images), size=count, replace=False))
    return np.ascontiguousarray(images[rows])


def _compare(original: _Described, other: _Described, extractor: str, k: int) -> dict[str, float]:
    manifold = manifold_measures(original.features, other.features, k=k)
    return {
        f"frechet_{extractor}": frechet_distance(original.features, other.features),
        f"kernel_{extractor}": kernel_distance(original.features, other.features),
        f"manifold_precision_{extractor}": manifold.precision,
        f"manifold_recall_{extractor}": manifold.recall,
        f"density_{extractor}": manifold.density,
        f"coverage_{extractor}": manifold.coverage,
        "sliced_wasserstein": sliced_wasserstein(original.projected, other.projected),
        "spectrum_db": spectrum_distance_db(original.spectra, other.spectra),
        "colour": colour_distance(original.colours, other.colours),
    }


def _spread(values: list[float], confidence: float) -> tuple[float, float, float]:
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(np.mean(values)), float(low), float(high)


def _over_halves(
    label: str,
    sets: dict[str, _Described],
    halve: Callable[[np.random.Generator], NDArray[np.int64]],
    *,
    extractor: str,
    seed: int,
    n_subsets: int,
    k: int,
    confidence: float,
) -> dict[str, float]:
    """Compare random halves with random halves; the same originals for the set and for its floor."""
    values: dict[str, list[float]] = {}
    floors: dict[str, list[float]] = {}
    for number in range(n_subsets):
        half = {
            role: described.rows(halve(numpy_generator(seed, "fidelity", "half", label, role, number)))
            for role, described in sets.items()
        }
        for role, kept in (("synthetic", values), ("nonmember", floors)):
            for name, value in _compare(half["train"], half[role], extractor, k).items():
                kept.setdefault(name, []).append(value)
    metrics = {}
    for name, found in values.items():
        key = f"fidelity/{label}/{name}"
        metrics[key], metrics[f"{key}/low"], metrics[f"{key}/high"] = _spread(found, confidence)
        floor = _spread(floors[name], confidence)
        metrics[f"{key}/floor"], metrics[f"{key}/floor_low"], metrics[f"{key}/floor_high"] = floor
    return metrics


def _check(populations: Mapping[str, Images], labels: tuple[str, ...], k: int) -> None:
    sides = set()
    for role, images in populations.items():
        for label in labels:
            shape = images[label].shape
            sides.add(shape[1:3])
            if shape[0] < 2 * (k + 1):
                raise PathgenError(
                    f"{role} patches of class {label}",
                    f"{shape[0]} are too few for halves with {k} neighbours each",
                    "Draw more of them, or lower fidelity.neighbours_k",
                )
    if len(sides) != 1 or min(min(sides)) < SMALLEST_SIDE_PX or len(set(min(sides))) != 1:
        raise PathgenError(
            "fidelity",
            f"patches of (height, width) {sorted(sides)} cannot be compared",
            f"Make all of them square, of one size, and at least {SMALLEST_SIDE_PX} px",
        )


def measure_fidelity(
    train: Images,
    nonmember: Images,
    synthetic: Images,
    *,
    extractor: str,
    seed: int,
    max_patches: int,
    n_subsets: int,
    confidence: float,
    neighbours_k: int,
    n_projections: int,
) -> FidelityReport:
    """Measure how alike synthetic and original patches are.

    Every number is the mean over random halves of the sets, and its interval the spread over them: the
    spread of halves drawn without replacement estimates the uncertainty at the full size (the
    delete-half jackknife, Shao and Wu 1989). The floor is the same measure between the same originals
    and other original patches of the same slides, at the same size: what a perfect generator would
    read. A measure says something only by its distance from its floor.

    Args:
        train: The original patches the generator learnt from, uint8 (N, S, S, 3) by label.
        nonmember: Original patches of the same slides that it did not learn from.
        synthetic: The synthetic patches.
        extractor: Name of a feature protocol in `features.EXTRACTORS`.
        seed: Seed of every draw.
        max_patches: Patches per class taken from each set at most; the smallest set decides.
        n_subsets: Random halves.
        confidence: Coverage of the intervals, in (0, 1).
        neighbours_k: Neighbours that span the manifold.
        n_projections: Directions of the sliced Wasserstein distance.

    Returns:
        The report.

    Raises:
        PathgenError: A set has too few patches, or the sizes in pixels differ.
    """
    labels = tuple(synthetic)
    populations = {"train": train, "nonmember": nonmember, "synthetic": synthetic}
    _check(populations, labels, neighbours_k)
    counts = {
        label: min(max_patches, *(len(images[label]) for images in populations.values())) for label in labels
    }
    drawn = {
        role: {
            label: _drawn(
                images[label], counts[label], numpy_generator(seed, "fidelity", "draw", role, label)
            )
            for label in labels
        }
        for role, images in populations.items()
    }
    directions = draw_directions(n_projections, numpy_generator(seed, "fidelity", "directions"))
    # A thousand patches of each class fix the unit; one unit for all classes, so that they compare.
    deviations = scale_deviations(
        np.concatenate([drawn["train"][label][:: max(1, counts[label] // 1000)] for label in labels])
    )

    def described(role: str, label: str) -> _Described:
        rng = numpy_generator(seed, "fidelity", "places", role, label)
        return _joined(
            [
                _Described(
                    EXTRACTORS[extractor](chunk),
                    radial_power(chunk, _SPECTRUM_RINGS),
                    colour_histograms(chunk),
                    project_neighbourhoods(chunk, directions, deviations, rng),
                )
                for chunk in _chunks(drawn[role][label])
            ]
        )

    sets = {label: {role: described(role, label) for role in populations} for label in labels}
    metrics: dict[str, float] = {}
    chosen: dict[str, Any] = {"extractor": extractor, "seed": seed, "n_subsets": n_subsets, "k": neighbours_k}
    for label in labels:
        count = counts[label]

        def half(rng: np.random.Generator, count: int = count) -> NDArray[np.int64]:
            return rng.permutation(count)[: count // 2]

        metrics |= _over_halves(label, sets[label], half, **chosen, confidence=confidence)
    if len(labels) > 1:
        smallest = min(counts.values())

        def even(role: str, label: str) -> _Described:
            rng = numpy_generator(seed, "fidelity", "pool", role, label)
            return sets[label][role].rows(rng.choice(counts[label], size=smallest, replace=False))

        pooled = {role: _joined([even(role, label) for label in labels]) for role in populations}

        def half_of_each(rng: np.random.Generator) -> NDArray[np.int64]:
            parts = [n * smallest + rng.permutation(smallest)[: smallest // 2] for n in range(len(labels))]
            return np.concatenate(parts)

        metrics |= _over_halves(POOLED, pooled, half_of_each, **chosen, confidence=confidence)
        counts = {**counts, POOLED: smallest * len(labels)}
    return FidelityReport(
        metrics=metrics,
        patches=counts,
        protocol={**chosen, "confidence": confidence, "n_projections": n_projections},
    )
