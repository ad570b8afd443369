"""Published scores of copying that are told beside the verdict, and have no part in it.

Each compares distances of different sets, so that something other than copying moves it too: a generator of
little variety lies closer to everything. What each reads on such a generator, which copies nothing, and on
nothing but copies, is told with it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.cluster.vq
import scipy.stats
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pathgen.privacy.nearest_pairs import Pool
from pathgen.privacy.neighbours import nearest_both_ways

DESCRIPTIONS = {
    "k_count": "1 + how many unseen patches lie nearer to a synthetic patch than any training patch (mean)",
    "distance_ratio": "Distance to the nearest training patch, synthetic over unseen patches (median)",
    "closest_distance_ratio": "The same of the closest hundredth",
    "neighbour_ratio": "Distance to the nearest over that to the second nearest training patch (median)",
    "data_copying": "C_T: whether synthetic patches lie closer to training patches than unseen ones, "
    "in standard deviations",
    "data_copying_share": "Chance that a synthetic patch lies farther from the training patches "
    "than an unseen one",
    "authenticity": "Share of synthetic patches farther from their nearest training patch "
    "than that is from others",
}
"""What each score is, in plain words."""

_MOST_COUNTED = 10
_MEMBERS_PER_CELL = 80
_MOST_CELLS = 50
# Meehan et al. leave out cells that hold too few generated samples to say anything of them.
_FEWEST_IN_CELL = 20
_RESAMPLES = 200

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Description:
    """One score.

    Attributes:
        value: The score of the synthetic set.
        low: Lower end of its interval.
        high: Upper end.
        expected: What it is when synthetic patches are fresh originals.
    """

    value: float
    low: float
    high: float
    expected: float


@dataclass(frozen=True)
class Yardstick:
    """What does not depend on the synthetic set.

    Attributes:
        unseen: Distances of each non-member to its two nearest members, (n, 2).
        nearest_of_unseen: Row of the nearest member, (n,).
        among_members: Distance of each member to its nearest other member, (n,).
        centres: Of the cells, on the axes of the projection, (K, d).
        cell_of_unseen: Cell of each non-member, (n,).
    """

    unseen: NDArray[np.float64]
    nearest_of_unseen: Rows
    among_members: NDArray[np.float64]
    centres: NDArray[np.float32]
    cell_of_unseen: Rows


def _cell(coordinates: NDArray[np.float32], centres: NDArray[np.float32]) -> Rows:
    return np.asarray(scipy.cluster.vq.vq(coordinates, centres)[0], dtype=np.int64)


def yardstick(pool: Pool, rng: np.random.Generator) -> Yardstick:
    """Measure the originals of a pool among themselves (L2).

    Args:
        pool: Members and non-members.
        rng: Source of the first centres of the cells.

    Returns:
        The yardstick. The cells are found by k-means on the members, as Meehan et al. 2020 do.
    """
    n = len(pool.members)
    unseen, _ = nearest_both_ways(pool.nonmembers, pool.members, measure="l2", k=2, device=pool.device)
    own, _ = nearest_both_ways(pool.members, pool.members, measure="l2", k=2, device=pool.device)
    # Itself is at distance 0, the first or, among twins, the second.
    among = own.distance[:, 1]
    members, nonmembers = pool.coordinates[:n], pool.coordinates[n:]
    cells = int(np.clip(n // _MEMBERS_PER_CELL, 1, _MOST_CELLS))
    with threadpool_limits(limits=1, user_api="blas"):  # the same bytes on any number of cores
        centres, _ = scipy.cluster.vq.kmeans2(members, cells, minit="++", rng=rng, missing="warn")
        return Yardstick(
            unseen.distance, unseen.index[:, 0], among, centres.astype(np.float32), _cell(nonmembers, centres)
        )


def data_copying(
    generated: NDArray[np.float64],
    unseen: NDArray[np.float64],
    cell_of_generated: Rows,
    cell_of_unseen: Rows,
) -> float:
    """Test whether generated samples lie closer to the training samples than unseen ones do, cell by cell.

    Args:
        generated: Distance of each generated sample to its nearest training sample, (Q,).
        unseen: The same of unseen samples, (P,).
        cell_of_generated: Cells of the generated samples, (Q,).
        cell_of_unseen: Cells of the unseen samples, (P,).

    Returns:
        C_T: 0 is expected, below -3 is called copying; NaN where no cell holds enough samples of both.

    Source:
        Meehan et al. 2020, section 4: the z-score of the Mann-Whitney U in each cell, weighted by the
        share of unseen samples in it, over the cells with at least 20 generated samples (and one unseen).
    """
    total, weight = 0.0, 0.0
    for cell in np.unique(cell_of_unseen):
        q, p = generated[cell_of_generated == cell], unseen[cell_of_unseen == cell]
        if len(q) < min(_FEWEST_IN_CELL, len(generated)):
            continue
        ranks = scipy.stats.rankdata(np.concatenate([q, p]))
        u = ranks[: len(q)].sum() - len(q) * (len(q) + 1) / 2
        product = len(q) * len(p)
        z = (u - product / 2) / np.sqrt(product * (len(q) + len(p) + 1) / 12)
        total, weight = total + len(p) * z, weight + len(p)
    return float(total / weight) if weight else float("nan")


def _chance_of_more(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """P(a > b) + P(a = b) / 2 over all pairs."""
    ranks = scipy.stats.rankdata(np.concatenate([a, b]))
    return float((ranks[: len(a)].sum() - len(a) * (len(a) + 1) / 2) / (len(a) * len(b)))


def expected_k_count(n_members: int, n_nonmembers: int) -> float:
    """Return the mean of the capped count when members and non-members come in random order."""
    mean, chance = 1.0, 1.0
    for ahead in range(min(_MOST_COUNTED, n_nonmembers)):
        chance *= (n_nonmembers - ahead) / (n_members + n_nonmembers - ahead)
        mean += chance
    return mean


def _resampled(cluster: Rows, rng: np.random.Generator) -> Rows:
    """Draw whole clusters with replacement; return the rows drawn."""
    _, number = np.unique(cluster, return_inverse=True)
    order = np.argsort(number, kind="stable")
    ends = np.cumsum(np.bincount(number))
    rows = np.split(order, ends[:-1])
    return np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])


def describe(
    images: NDArray[np.uint8],
    coordinates: NDArray[np.float32],
    pool: Pool,
    measured: Yardstick,
    *,
    confidence: float,
    rng: np.random.Generator,
) -> dict[str, Description]:
    """Score a set of images.

    Args:
        images: The synthetic patches, uint8 (Q, S, S, 3).
        coordinates: Where they lie on the axes of the projection, (Q, d).
        pool: Members and non-members.
        measured: Of the same pool.
        confidence: Coverage of the intervals.
        rng: Source of the resamples.

    Returns:
        Scores by the names in `DESCRIPTIONS`; a score without a value is left out. The intervals are
        percentiles over resamples of the unseen patches and of the synthetic ones, those with the same
        nearest original together: they are not independent.

    Source:
        Ratios and shares: Platzer and Reutterer 2021. C_T: see `data_copying`. Authenticity: Alaa et al.
        2022; what is expected is that of unseen patches, not 1.
    """
    to_members, _ = nearest_both_ways(images, pool.members, measure="l2", k=2, device=pool.device)
    count = min(_MOST_COUNTED, len(pool.nonmembers), len(images))
    to_others, _ = nearest_both_ways(images, pool.nonmembers, measure="l2", k=count, device=pool.device)
    d, others = to_members.distance, to_others.distance
    first = d[:, :1]
    counts = 1 + (others < first).sum(1) + 0.5 * (others == first).sum(1)
    cell = _cell(coordinates, measured.centres)
    base, cell_of_base = measured.unseen, measured.cell_of_unseen
    gaps = measured.among_members
    authentic = d[:, 0] > gaps[to_members.index[:, 0]]
    base_authentic = base[:, 0] > gaps[measured.nearest_of_unseen]

    def ratios(distances: NDArray[np.float64]) -> NDArray[np.float64]:
        # Of two copies the first is no nearer than the second.
        return np.divide(
            distances[:, 0], distances[:, 1], out=np.ones(len(distances)), where=distances[:, 1] > 0
        )

    between, base_between = ratios(d), ratios(base)

    def over(quantile: float) -> Callable[[Rows, Rows], float]:
        def ratio(s: Rows, h: Rows) -> float:
            below = np.quantile(base[h, 0], quantile)
            return float(np.quantile(d[s, 0], quantile) / below) if below > 0 else float("nan")

        return ratio

    scores: dict[str, tuple[Callable[[Rows, Rows], float], float]] = {
        "k_count": (
            lambda s, _: float(counts[s].mean()),
            expected_k_count(len(pool.members), len(pool.nonmembers)),
        ),
        "distance_ratio": (over(0.5), 1.0),
        "closest_distance_ratio": (over(0.01), 1.0),
        "neighbour_ratio": (lambda s, _: float(np.median(between[s])), float(np.median(base_between))),
        "data_copying": (
            lambda s, h: data_copying(d[s, 0], base[h, 0], cell[s], cell_of_base[h]),
            0.0,
        ),
        "data_copying_share": (lambda s, h: _chance_of_more(d[s, 0], base[h, 0]), 0.5),
        "authenticity": (lambda s, _: float(authentic[s].mean()), float(base_authentic.mean())),
    }
    every, every_base = np.arange(len(d)), np.arange(len(base))
    nearer = others[:, 0] < d[:, 0]
    cluster = np.where(nearer, len(pool.members) + to_others.index[:, 0], to_members.index[:, 0])
    draws = [(_resampled(cluster, rng), rng.choice(every_base, len(every_base))) for _ in range(_RESAMPLES)]
    tail = (1 - confidence) / 2
    found = {}
    for name, (score, expected) in scores.items():
        value = score(every, every_base)
        if np.isfinite(value):
            low, high = np.nanquantile([score(*rows) for rows in draws], [tail, 1 - tail])
            found[name] = Description(value, float(low), float(high), expected)
    return found
