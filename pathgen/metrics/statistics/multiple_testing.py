"""What several tests at once do to their p-values."""


def holm(p_values: dict[str, float]) -> dict[str, float]:
    """Adjust p-values so that the chance of ANY false finding stays below the level (Holm 1979).

    Args:
        p_values: By name of the test.

    Returns:
        Adjusted p-values by name, in [0, 1]; a test finds something where its value is at most the level.
    """
    adjusted: dict[str, float] = {}
    running = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        running = max(running, (len(p_values) - rank) * p_values[name])
        adjusted[name] = min(1.0, running)
    return {name: adjusted[name] for name in p_values}
