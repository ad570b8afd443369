"""Health of a generator's training."""

import pandas as pd
import pytest

from pathgen.gan.generator_health import generator_health

HONEST = {"gan/known_accuracy": 0.9, "gan/held_out_accuracy": 0.85, "gan/overfitting": 0.1}
MEMORISED = {"gan/known_accuracy": 1.0, "gan/held_out_accuracy": 0.4, "gan/overfitting": 0.7}


def history(*spreads: float) -> pd.DataFrame:
    return pd.DataFrame({"gan/spread_ratio": spreads})


@pytest.mark.parametrize(
    ("spreads", "probes", "state", "ratio"),
    [
        ([0.2] * 18 + [0.9, 1.1], [HONEST] * 20, "converged", 1.0),
        ([0.2] * 18 + [0.9, 1.1], [], "converged", 1.0),
        ([0.9] * 18 + [0.4, 0.5], [HONEST] * 20, "low variety", 0.45),
        ([0.9] * 20, [HONEST, MEMORISED, MEMORISED, MEMORISED], "overfitted", 0.9),
        ([0.9] * 20, [MEMORISED, MEMORISED, MEMORISED, HONEST], "converged", 0.9),
        # What endangers patients outweighs what is merely of no use.
        ([0.1] * 20, [MEMORISED] * 3, "overfitted", 0.1),
        ([0.7], [], "converged", 0.7),
    ],
)
def test_state_follows_the_end_of_the_training(
    spreads: list[float], probes: list[dict[str, float]], state: str, ratio: float
) -> None:
    found = generator_health(history(*spreads), probes)
    assert (found.state, found.converged) == (state, state == "converged")
    assert found.spread_ratio == pytest.approx(ratio)
