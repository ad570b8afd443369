"""Adjustment of p-values for multiple testing."""


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Adjust p-values for the family-wise error rate (Holm 1979).

    Args:
        p_values: Name of the test to its p-value.

    Returns:
        Name to adjusted p-value, in [0, 1]; a test is significant where it is at most the level.
    """
    adjusted: dict[str, float] = {}
    running = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        running = max(running, (len(p_values) - rank) * p_values[name])
        adjusted[name] = min(1.0, running)
    return {name: adjusted[name] for name in p_values}
