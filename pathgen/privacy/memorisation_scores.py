"""Published memorisation scores, which the verdict does not rest on.

Each score compares distances of different sets, so that it also responds to other properties than copying: a
generator of little variety is closer to everything. The audit therefore also reports the value of each
score on a set of little variety that contains no copies, and on a set of copies.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.cluster.vq
import scipy.stats
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pathgen.privacy.controls import mean_shrunk
from pathgen.privacy.nearest_pairs import CandidatePool, ClassPairs
from pathgen.privacy.neighbours import Nearest, nearest_both_ways
from pathgen.results.audit_record import MemorisationScore

SCORES = {
    "k_count": "1 + number of unseen patches that are closer to a synthetic patch than its nearest training "
    "patch (mean)",
    "distance_ratio": "Distance to the nearest training patch, ratio of synthetic to unseen patches (median)",
    "closest_distance_ratio": "Distance to the nearest training patch, ratio of synthetic to unseen patches "
    "(1 % quantile)",
    "neighbour_ratio": "Ratio of the distances to the nearest and second nearest training patch (median)",
    "data_copying": "C_T: z-score of whether synthetic patches are closer to training patches than unseen "
    "patches are; negative values mean closer",
    "data_copying_share": "Probability that a synthetic patch is farther from the training patches than an "
    "unseen patch is",
    "authenticity": "Share of synthetic patches that are farther from their nearest training patch than this "
    "is from other training patches",
}
"""Meaning of each score."""

_MAX_COUNT = 10
_MEMBERS_PER_CELL = 80
_MAX_CELLS = 50
# Meehan et al. omit cells with too few generated samples.
_MIN_IN_CELL = 20
_RESAMPLES = 200

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ReferenceStats:
    """Statistics that do not depend on the synthetic set.

    Attributes:
        pool: Members and non-members.
        unseen: The two nearest members of each non-member.
        among_members: Distance of each member to its nearest other member, (n,).
        centres: Centres of the cells on the axes of the projection, (K, d).
        cell_of_unseen: Cell of each non-member, (n,).
    """

    pool: CandidatePool
    unseen: Nearest
    among_members: NDArray[np.float64]
    centres: NDArray[np.float32]
    cell_of_unseen: Rows


def _cell(coordinates: NDArray[np.float32], centres: NDArray[np.float32]) -> Rows:
    return np.asarray(scipy.cluster.vq.vq(coordinates, centres)[0], dtype=np.int64)


def reference_stats(pool: CandidatePool, rng: np.random.Generator) -> ReferenceStats:
    """Compute the distances between the originals of a pool (L2), and the cells.

    Args:
        pool: Members and non-members.
        rng: Random generator of the initial centres of the cells.

    Returns:
        The statistics. The cells are found by k-means on the members, as by Meehan et al. 2020.
    """
    n = len(pool.members)
    unseen, _ = nearest_both_ways(pool.nonmembers, pool.members, measure="l2", k=2, device=pool.device)
    own, _ = nearest_both_ways(pool.members, pool.members, measure="l2", k=2, device=pool.device)
    among = own.distance[:, 1]  # the first is the member itself, or its twin
    members, nonmembers = pool.coordinates[:n], pool.coordinates[n:]
    cells = int(np.clip(n // _MEMBERS_PER_CELL, 1, _MAX_CELLS))
    with threadpool_limits(limits=1, user_api="blas"):  # same bytes on any number of cores
        centres, _ = scipy.cluster.vq.kmeans2(members, cells, minit="++", rng=rng, missing="warn")
        cells_of_unseen = _cell(nonmembers, centres)
    return ReferenceStats(pool, unseen, among, centres.astype(np.float32), cells_of_unseen)


def data_copying(
    generated: NDArray[np.float64],
    unseen: NDArray[np.float64],
    cell_of_generated: Rows,
    cell_of_unseen: Rows,
) -> float:
    """Compute C_T, a test of whether generated samples are closer to the training samples than unseen ones.

    Args:
        generated: Distance of each generated sample to its nearest training sample, (Q,).
        unseen: Distance of each unseen sample to its nearest training sample, (P,).
        cell_of_generated: Cells of the generated samples, (Q,).
        cell_of_unseen: Cells of the unseen samples, (P,).

    Returns:
        C_T; 0 is expected, and values below -3 are called copying. NaN if no cell has enough samples of both.

    Source:
        Meehan et al. 2020, section 4: z-score of the Mann-Whitney U in each cell, weighted by the share of
        unseen samples in it, over the cells with at least 20 generated samples (and one unseen).
    """
    total, weight = 0.0, 0.0
    for cell in np.unique(cell_of_unseen):
        q, p = generated[cell_of_generated == cell], unseen[cell_of_unseen == cell]
        if len(q) < min(_MIN_IN_CELL, len(generated)):
            continue
        product = len(q) * len(p)
        z = (_mann_whitney_u(q, p) - product / 2) / np.sqrt(product * (len(q) + len(p) + 1) / 12)
        total, weight = total + len(p) * z, weight + len(p)
    return float(total / weight) if weight else float("nan")


def _mann_whitney_u(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the number of pairs with a > b, and half of those with a = b."""
    ranks = scipy.stats.rankdata(np.concatenate([a, b]))
    return float(ranks[: len(a)].sum() - len(a) * (len(a) + 1) / 2)


def expected_k_count(n_members: int, n_nonmembers: int) -> float:
    """Return the mean of `k_count` for members and non-members in random order."""
    mean, chance = 1.0, 1.0
    for ahead in range(min(_MAX_COUNT, n_nonmembers)):
        chance *= (n_nonmembers - ahead) / (n_members + n_nonmembers - ahead)
        mean += chance
    return mean


def _resampled(cluster: Rows, rng: np.random.Generator) -> Rows:
    """Draw whole clusters with replacement and return their rows."""
    _, number = np.unique(cluster, return_inverse=True)
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number))
    rows = np.split(order, ends[:-1])
    return np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])


def _ratio_of_two(nearest: Nearest) -> NDArray[np.float64]:
    """Return the ratio of the distances to the nearest and second nearest patch; 1 for two copies."""
    first, second = nearest.distance.T
    return np.asarray(np.divide(first, second, out=np.ones(len(first)), where=second > 0))


def compute_scores(
    images: NDArray[np.uint8], stats: ReferenceStats, rng: np.random.Generator | None
) -> dict[str, MemorisationScore]:
    """Compute all scores of a set of images.

    Args:
        images: Synthetic patches, uint8 (Q, S, S, 3).
        stats: Statistics of the pool.
        rng: Random generator of the resamples; None omits the intervals.

    Returns:
        Scores by the names in `SCORES`, without those that are undefined. The intervals are percentiles over
        resamples of the unseen patches and of the synthetic ones; synthetic patches with the same nearest
        original are resampled together, because they are not independent.

    Source:
        Ratios and shares: Platzer and Reutterer 2021. C_T: see `data_copying`. Authenticity: Alaa et al.
        2022; its expectation is the value of unseen patches, not 1.
    """
    pool, base, cell_of_base = stats.pool, stats.unseen.distance, stats.cell_of_unseen
    to_members, _ = nearest_both_ways(images, pool.members, measure="l2", k=2, device=pool.device)
    count = min(_MAX_COUNT, len(pool.nonmembers), len(images))
    to_others, _ = nearest_both_ways(images, pool.nonmembers, measure="l2", k=count, device=pool.device)
    d, others = to_members.distance, to_others.distance
    counts = 1 + (others < d[:, :1]).sum(1) + 0.5 * (others == d[:, :1]).sum(1)
    cell = _cell(pool.projection.coordinates(images), stats.centres)
    (between, authentic), (base_between, base_authentic) = (
        (_ratio_of_two(nearest), nearest.distance[:, 0] > stats.among_members[nearest.index[:, 0]])
        for nearest in (to_members, stats.unseen)
    )

    def over(quantile: float) -> Callable[[Rows, Rows], float]:
        def ratio(s: Rows, h: Rows) -> float:
            below = np.quantile(base[h, 0], quantile)
            return float(np.quantile(d[s, 0], quantile) / below) if below > 0 else float("nan")

        return ratio

    functions: dict[str, tuple[Callable[[Rows, Rows], float], float]] = {
        "k_count": (
            lambda s, _: float(counts[s].mean()),
            expected_k_count(len(pool.members), len(pool.nonmembers)),
        ),
        "distance_ratio": (over(0.5), 1.0),
        "closest_distance_ratio": (over(0.01), 1.0),
        "neighbour_ratio": (lambda s, _: float(np.median(between[s])), float(np.median(base_between))),
        "data_copying": (lambda s, h: data_copying(d[s, 0], base[h, 0], cell[s], cell_of_base[h]), 0.0),
        "data_copying_share": (lambda s, h: _mann_whitney_u(d[s, 0], base[h, 0]) / (len(s) * len(h)), 0.5),
        "authenticity": (lambda s, _: float(authentic[s].mean()), float(base_authentic.mean())),
    }
    every, every_base = np.arange(len(d)), np.arange(len(base))
    nearer = others[:, 0] < d[:, 0]
    cluster = np.where(nearer, len(pool.members) + to_others.index[:, 0], to_members.index[:, 0])
    resamples = [
        (_resampled(cluster, rng), rng.choice(every_base, len(every_base)))
        for _ in range(_RESAMPLES)
        if rng is not None
    ]
    tail = (1 - pool.settings.confidence) / 2
    found = {}
    for name, (function, expected) in functions.items():
        value = function(every, every_base)
        if np.isfinite(value):
            drawn = [function(*rows) for rows in resamples]
            low, high = np.nanquantile(drawn, [tail, 1 - tail]).tolist() if drawn else (None, None)
            found[name] = MemorisationScore(
                question=SCORES[name], value=value, low=low, high=high, expected=expected
            )
    return found


def memorisation_scores(pairs: ClassPairs) -> dict[str, MemorisationScore]:
    """Compute the scores of the synthetic set, and their values on copies and on a set of little variety."""
    pool, label = pairs.pool, pairs.label
    stats = reference_stats(pool, pairs.rng("cells", label))
    n_copies = min(len(pairs.train), len(pool.members))
    copied = pairs.rng("described copies", label).choice(len(pairs.train), n_copies, replace=False)
    copies, shrunk = np.asarray(pairs.train[np.sort(copied)]), mean_shrunk(pairs.fresh)
    of_set = compute_scores(pairs.synthetic, stats, pairs.rng("resamples", label))
    of_copies, of_shrunk = (compute_scores(images, stats, None) for images in (copies, shrunk))
    for key, of_control in (("on_copies", of_copies), ("on_shrunken_variety", of_shrunk)):
        for name in of_set.keys() & of_control.keys():
            of_set[name] = of_set[name].model_copy(update={key: of_control[name].value})
    return of_set
