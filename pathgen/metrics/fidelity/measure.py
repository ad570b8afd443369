"""All fidelity measures of one synthetic set, per class and pooled, each beside its floor."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import numpy_generator
from pathgen.metrics.fidelity.colour import colour_distance
from pathgen.metrics.fidelity.frechet import frechet_distance
from pathgen.metrics.fidelity.kernel import kernel_distance
from pathgen.metrics.fidelity.manifold import manifold_measures
from pathgen.metrics.fidelity.patch_features import Description, Images, describe, joined
from pathgen.metrics.fidelity.sliced_wasserstein import sliced_wasserstein
from pathgen.metrics.fidelity.spectrum import spectrum_distance_db
from pathgen.metrics.fidelity.texture_features import SMALLEST_SIDE_PX

POOLED = "all"
"""The label under which both classes together are reported, the same number of patches of each."""


@dataclass(frozen=True)
class FidelityReport:
    """Fidelity of one synthetic set.

    Attributes:
        metrics: ``fidelity/{label}/{measure}`` and, below it, ``/low``, ``/high``, ``/floor``,
            ``/floor_low``, ``/floor_high``; label ``normal``, ``tumor`` or ``all``.
        patches: Patches taken from EACH of the three sets, by label; a measure compares halves of them.
        protocol: Name of the feature protocol and the values that shape the numbers.
    """

    metrics: dict[str, float]
    patches: dict[str, int]
    protocol: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return plain data for `pathgen.core.files.write_json`."""
        return {"metrics": self.metrics, "patches": self.patches, "protocol": self.protocol}


def _compare(original: Description, other: Description, extractor: str, k: int) -> dict[str, float]:
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


def _half(strata: list[int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw half of the rows of each stratum; the strata lie one after the other."""
    starts = np.cumsum([0, *strata[:-1]])
    return np.concatenate(
        [start + rng.permutation(n)[: n // 2] for start, n in zip(starts, strata, strict=True)]
    )


def _spread(values: list[float], confidence: float) -> tuple[float, float, float]:
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(np.mean(values)), float(low), float(high)


def _over_halves(
    label: str,
    sets: Mapping[str, Description],
    strata: list[int],
    *,
    extractor: str,
    seed: int,
    n_subsets: int,
    neighbours_k: int,
    confidence: float,
) -> dict[str, float]:
    """Compare random halves; the same halves of the originals for the synthetic set and for its floor."""
    found: dict[str, dict[str, list[float]]] = {"synthetic": {}, "nonmember": {}}
    for number in range(n_subsets):
        half = {
            role: described.rows(
                _half(strata, numpy_generator(seed, "fidelity", "half", label, role, number))
            )
            for role, described in sets.items()
        }
        for role, values in found.items():
            for name, value in _compare(half["train"], half[role], extractor, neighbours_k).items():
                values.setdefault(name, []).append(value)
    metrics = {}
    for name, values_of_name in found["synthetic"].items():
        key = f"fidelity/{label}/{name}"
        measured = _spread(values_of_name, confidence)
        metrics[key], metrics[f"{key}/low"], metrics[f"{key}/high"] = measured
        floor = _spread(found["nonmember"][name], confidence)
        metrics[f"{key}/floor"], metrics[f"{key}/floor_low"], metrics[f"{key}/floor_high"] = floor
    return metrics


def _check(populations: Mapping[str, Images], labels: list[str], neighbours_k: int) -> None:
    sides: set[tuple[int, int]] = set()
    for role, by_label in populations.items():
        for label in labels:
            count, height, width, _ = by_label[label].shape
            sides.add((height, width))
            if count < 2 * (neighbours_k + 1):
                raise PathgenError(
                    f"{role} patches of class {label}",
                    f"{count} are too few for halves with {neighbours_k} neighbours each",
                    "Draw more of them, or lower fidelity.neighbours_k",
                )
    if len(sides) != 1 or any(height != width or height < SMALLEST_SIDE_PX for height, width in sides):
        raise PathgenError(
            "patches of train, nonmember and synthetic",
            f"have (height, width) {sorted(sides)} and cannot be compared",
            f"Make all of them square, of one size, and at least {SMALLEST_SIDE_PX} px",
        )


def _drawn(populations: Mapping[str, Images], counts: Mapping[str, int], seed: int) -> dict[str, Images]:
    drawn: dict[str, Images] = {}
    for role, by_label in populations.items():
        kept = {}
        for label, count in counts.items():
            rng = numpy_generator(seed, "fidelity", "draw", role, label)
            rows = np.sort(rng.choice(len(by_label[label]), size=count, replace=False))
            kept[label] = np.asarray(by_label[label][rows])
        drawn[role] = kept
    return drawn


def _pooled(
    described: Mapping[str, Mapping[str, Description]], smallest: int, seed: int
) -> dict[str, Description]:
    """Join the classes, `smallest` patches of each."""
    parts: dict[str, list[Description]] = {}
    for label, by_role in described.items():
        for role, description in by_role.items():
            rng = numpy_generator(seed, "fidelity", "pool", role, label)
            rows = rng.choice(len(description), size=smallest, replace=False)
            parts.setdefault(role, []).append(description.rows(rows))
    return {role: joined(of_role) for role, of_role in parts.items()}


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
        synthetic: The synthetic patches; its labels are the ones measured.
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
    labels = list(synthetic)
    populations: dict[str, Images] = {"train": train, "nonmember": nonmember, "synthetic": synthetic}
    _check(populations, labels, neighbours_k)
    counts = {label: min(max_patches, *(len(p[label]) for p in populations.values())) for label in labels}
    shaping: dict[str, Any] = {
        "extractor": extractor,
        "seed": seed,
        "n_subsets": n_subsets,
        "neighbours_k": neighbours_k,
        "confidence": confidence,
    }
    metrics: dict[str, float] = {}
    # The matrices are small: more BLAS threads only wait for each other (five times slower on a busy
    # machine), and one thread gives the same bytes on any number of cores.
    with threadpool_limits(limits=1, user_api="blas"):
        drawn = _drawn(populations, counts, seed)
        described = describe(drawn, extractor=extractor, n_projections=n_projections, seed=seed)
        for label in labels:
            metrics |= _over_halves(label, described[label], [counts[label]], **shaping)
        if len(labels) > 1:
            smallest = min(counts.values())
            pooled = _pooled(described, smallest, seed)
            metrics |= _over_halves(POOLED, pooled, [smallest] * len(labels), **shaping)
            counts = {**counts, POOLED: smallest * len(labels)}
    return FidelityReport(metrics, counts, {**shaping, "n_projections": n_projections})
