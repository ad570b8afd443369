"""Precision: whether synthetic patches are plausible."""

from pathgen.metrics.fidelity.metric import FeaturePair, Metric


def manifold_precision(pair: FeaturePair) -> float:
    """Return the share of the other vectors that lie in the manifold of the originals, in [0, 1].

    Source:
        Kynkaanniemi et al. 2019, eq. 2.
    """
    return float(pair.in_original_ball.any(axis=0).mean())


METRIC = Metric(
    "manifold_precision_{extractor}",
    "share of synthetic patches in the manifold of the original patches",
    "higher",
    ("features",),
    manifold_precision,
)
