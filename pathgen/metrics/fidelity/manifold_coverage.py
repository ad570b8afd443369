"""Coverage: share of the balls of original patches that contain a synthetic patch, in [0, 1].

Source:
    Naeem et al. 2020, section 3, with the same k as precision and recall (the papers use 5 and 3).
"""

from pathgen.metrics.fidelity.metric import Metric

METRIC = Metric(
    "coverage_{extractor}",
    "share of original neighbourhoods that contain a synthetic patch",
    "higher",
    ("features",),
    lambda pair: float(pair.in_original_ball.any(axis=1).mean()),
)
