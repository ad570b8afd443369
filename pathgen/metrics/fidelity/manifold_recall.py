"""Recall: whether synthetic patches are as varied as original ones."""

from pathgen.metrics.fidelity.metric import FeaturePair, Metric


def manifold_recall(pair: FeaturePair) -> float:
    """Return the share of the original vectors that lie in the manifold of the others, in [0, 1].

    Source:
        Kynkaanniemi et al. 2019, eq. 2.
    """
    return float(pair.in_other_ball.any(axis=1).mean())


METRIC = Metric(
    "manifold_recall_{extractor}",
    "share of original patches in the manifold of the synthetic patches",
    "higher",
    ("features",),
    manifold_recall,
)
