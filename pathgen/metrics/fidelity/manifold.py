"""Does each set lie where the other lies? Precision, recall, density and coverage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ManifoldMeasures:
    """Overlap of a synthetic set with an original one (see `manifold_measures`)."""

    precision: float
    """Share of the synthetic vectors that lie within the originals' manifold, in [0, 1]."""
    recall: float
    """Share of the originals that lie within the synthetic manifold, in [0, 1]."""
    density: float
    """Mean number of original balls around a synthetic vector over k; 1 is expected for equal sets."""
    coverage: float
    """Share of the original balls that hold a synthetic vector, in [0, 1]."""


def _squared_distances(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    norms_a = np.einsum("nd,nd->n", a, a)[:, None]
    norms_b = np.einsum("nd,nd->n", b, b)[None, :]
    squared: NDArray[np.float64] = np.clip(norms_a + norms_b - 2 * (a @ b.T), 0.0, None)
    return squared


def _squared_radii(features: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Return each vector's squared distance to its k-th neighbour in its own set, itself left out."""
    squared = _squared_distances(features, features)
    np.fill_diagonal(squared, np.inf)
    radii: NDArray[np.float64] = np.partition(squared, k - 1, axis=1)[:, k - 1]
    return radii


def manifold_measures(
    original: NDArray[np.float64], synthetic: NDArray[np.float64], *, k: int
) -> ManifoldMeasures:
    """Measure how two sets of feature vectors overlap.

    A set's manifold is the union of balls around its vectors, each reaching to the k-th neighbour.
    A synthetic set of few modes keeps its precision and loses recall and coverage; one of noise loses
    precision and density. The order of the arguments matters.

    Args:
        original: Shape (N, D), N above k.
        synthetic: Shape (M, D), M above k.
        k: Neighbours that span a ball.

    Returns:
        The four measures. They depend on N, M and k: compare only at equal ones.

    Source:
        Precision and recall: Kynkaanniemi et al. 2019, eq. 1 and 2. Density and coverage: Naeem et
        al. 2020, section 3. One k serves both here (the papers take 3 and 5).
    """
    assert k < min(len(original), len(synthetic)), "a ball needs k neighbours"
    squared = _squared_distances(original, synthetic)  # (N, M)
    in_original_ball = squared <= _squared_radii(original, k)[:, None]
    in_synthetic_ball = squared <= _squared_radii(synthetic, k)[None, :]
    return ManifoldMeasures(
        precision=float(in_original_ball.any(axis=0).mean()),
        recall=float(in_synthetic_ball.any(axis=1).mean()),
        density=float(in_original_ball.sum(axis=0).mean() / k),
        coverage=float(in_original_ball.any(axis=1).mean()),
    )
