"""Density: how many original neighbourhoods contain a synthetic patch."""

from pathgen.metrics.fidelity.metric import FeaturePair, Metric


def manifold_density(pair: FeaturePair) -> float:
    """Return the mean number of original balls around an other vector, divided by k; at least 0.

    Source:
        Naeem et al. 2020, section 3, with the same k as precision and recall (the papers use 5 and 3).
    """
    return float(pair.in_original_ball.sum(axis=0).mean() / pair.neighbours_k)


METRIC = Metric(
    "density_{extractor}",
    "mean number of original neighbourhoods that contain a synthetic patch, divided by their size",
    "floor",
    ("features",),
    manifold_density,
)
