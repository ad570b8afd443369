"""Precision: share of the synthetic patches in the manifold of the original ones, in [0, 1].

Source:
    Kynkaanniemi et al. 2019, eq. 2.
"""

from pathgen.metrics.fidelity.metric import Metric

METRIC = Metric(
    "manifold_precision_{extractor}",
    "share of synthetic patches in the manifold of the original patches",
    "higher",
    ("features",),
    lambda pair: float(pair.in_original_ball.any(axis=0).mean()),
)
