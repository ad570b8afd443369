"""Resample patients or slides with replacement, because patches of one slide are correlated."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.results.evaluation_record import Unit

# Weights handed over at a time; fixed, so that a seed gives the same draws whatever the memory.
_BLOCK_VALUES = 2_000_000


@dataclass(frozen=True)
class Clusters:
    """Clusters of correlated patches.

    Attributes:
        unit: Kind of cluster: patient (or a slide of an unknown patient), slide, or patch where the slides
            are unknown.
        of_patch: Number of each patch's cluster, int64 (N,), 0 to S - 1.
        stratum: Number of each cluster's stratum, int64 (S,), from 0 without gaps. Draws keep to the strata.
    """

    unit: Unit
    of_patch: NDArray[np.int64]
    stratum: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.stratum)


def build_clusters(
    slides: NDArray[np.object_],
    labels: NDArray[np.int64],
    *,
    slides_known: bool,
    patients: Mapping[str, str],
) -> Clusters:
    """Group patches by patient or slide, and these into strata with and without tumor.

    The numbers of slides with and without tumor are part of the design, so draws keep both. One slide alone
    does not tell how slides of its stratum differ: all slides are then one stratum.

    Args:
        slides: Name of each patch's slide, shape (N,).
        labels: Classes, int64 (N,); 0 normal, 1 tumor.
        slides_known: False where the names are those of containers and not of slides: each patch is then a
            cluster, and the strata are the labels.
        patients: Slide to patient, where known. Slides of one patient are one cluster; a slide of an unknown
            patient is a cluster.

    Returns:
        The clusters in the order of their names; the slides if no two of them are of one patient.
    """
    if not slides_known:
        return Clusters("patch", np.arange(len(labels), dtype=np.int64), _numbered(labels))
    names, of_patch = np.unique(slides, return_inverse=True)
    # With the kind, since a slide may have the name of a patient.
    owners = [f"patient {patients[name]}" if name in patients else f"slide {name}" for name in names]
    unit: Unit = "slide"
    if len(set(owners)) < len(names):
        unit, of_patch = "patient", _numbered(np.array(owners))[of_patch]
    stratum = _numbered(np.bincount(of_patch, weights=labels) > 0)
    if np.any(np.bincount(stratum) == 1):
        stratum = np.zeros_like(stratum)
    return Clusters(unit, of_patch.astype(np.int64), stratum)


def _numbered(kinds: NDArray[np.generic]) -> NDArray[np.int64]:
    """Number the kinds that occur from 0 on, without gaps."""
    numbers: NDArray[np.int64] = np.unique(kinds, return_inverse=True)[1].astype(np.int64)
    return numbers


def bootstrap_weights(clusters: Clusters, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Draw clusters with replacement, one fewer per stratum than it has.

    Args:
        clusters: Clusters.
        resamples: Number of draws.
        seed: Seed of the draws.

    Yields:
        Weights of the clusters, float64 of shape (b, S), b adding up to `resamples`. Each stratum's weights
        add up to its number of clusters, or are all 0 where it has one cluster alone.

    Source: Rao and Wu, JASA 1988: of n clusters n - 1 are drawn and weighted by n / (n - 1), which makes the
    variance of a mean unbiased. Drawing n makes it too small by (n - 1) / n, a half for two slides.
    """
    rng = numpy_generator(seed, "bootstrap")
    strata = [np.flatnonzero(clusters.stratum == number) for number in range(clusters.stratum.max() + 1)]
    rows = max(1, _BLOCK_VALUES // len(clusters))
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        weights = np.zeros((count, len(clusters)))
        for members in strata:
            size = len(members)
            if size > 1:
                drawn = rng.integers(0, size, (count, size - 1)) + size * np.arange(count)[:, None]
                times = np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size)
                weights[:, members] = times * (size / (size - 1))
        yield weights


def jackknife_weights(clusters: Clusters) -> NDArray[np.float64]:
    """Leave out one cluster at a time.

    Args:
        clusters: Clusters; the row of the only cluster of a stratum is without that stratum.

    Returns:
        Weights, float64 (S, S): row i without cluster i, the rest of its stratum weighted up to the number of
        clusters of the stratum.
    """
    same_stratum = clusters.stratum[:, None] == clusters.stratum
    sizes = same_stratum.sum(axis=1, keepdims=True)
    weights = np.where(same_stratum & (sizes > 1), sizes / np.maximum(sizes - 1, 1), 1.0)
    np.fill_diagonal(weights, 0.0)
    return weights
