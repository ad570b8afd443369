"""Density: mean number of balls of original patches around a synthetic patch, divided by k; at least 0.

Source:
    Naeem et al. 2020, section 3, with the same k as precision and recall (the papers use 5 and 3).
"""

from pathgen.metrics.fidelity.metric import Metric

METRIC = Metric(
    "density_{extractor}",
    "mean number of original neighbourhoods that contain a synthetic patch, divided by their size",
    "floor",
    ("features",),
    lambda pair: float(pair.in_original_ball.sum(axis=0).mean() / pair.neighbours_k),
)
