"""Coverage: how many original neighbourhoods contain any synthetic patch."""

from pathgen.metrics.fidelity.metric import FeaturePair, Metric


def manifold_coverage(pair: FeaturePair) -> float:
    """Return the share of original balls that contain an other vector, in [0, 1].

    Source:
        Naeem et al. 2020, section 3, with the same k as precision and recall (the papers use 5 and 3).
    """
    return float(pair.in_original_ball.any(axis=1).mean())


METRIC = Metric(
    "coverage_{extractor}",
    "share of original neighbourhoods that contain a synthetic patch",
    "higher",
    ("features",),
    manifold_coverage,
)
