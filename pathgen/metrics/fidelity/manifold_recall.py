"""Recall: share of the original patches in the manifold of the synthetic ones, in [0, 1].

Source:
    Kynkaanniemi et al. 2019, eq. 2.
"""

from pathgen.metrics.fidelity.metric import Metric

METRIC = Metric(
    "manifold_recall_{extractor}",
    "share of original patches in the manifold of the synthetic patches",
    "higher",
    ("features",),
    lambda pair: float(pair.in_other_ball.any(axis=1).mean()),
)
