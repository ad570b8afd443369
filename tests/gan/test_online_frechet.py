"""The distance logged while a generator trains: what it is of, its floor, and that it changes nothing."""

import numpy as np
import pytest
from factories.gan import CPU, DCGAN, dataset

from pathgen.gan.online_frechet import OnlineFrechet
from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.metrics.fidelity.frechet import frechet_distance


def patches(seed: int, count: int = 40, side: int = 16, bright: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(150.0 + bright, 30.0, (count, side, side, 3)).clip(0, 255).astype(np.uint8)


def likeness(originals: np.ndarray, held_out: np.ndarray) -> OnlineFrechet | None:
    return OnlineFrechet.of(dataset(originals, held_out), DCGAN, CPU)


def test_online_frechet_floor_is_the_distance_of_held_out_patches() -> None:
    found = likeness(patches(1), patches(2))
    assert found is not None
    expected = frechet_distance(texture_v1(patches(2)), texture_v1(patches(1)))
    assert found.floor == pytest.approx(expected)
    assert found.measure(patches(2)) == pytest.approx(
        {"gan/frechet": expected, "gan/frechet_floor": expected}
    )
    assert found.measure(patches(1))["gan/frechet"] < 1e-6 < found.floor
    assert found.measure(patches(3, bright=40.0))["gan/frechet"] > 3 * found.floor
    assert found.z.shape == (40, 8)


def test_online_frechet_compares_sets_of_equal_size() -> None:
    found = likeness(patches(1, count=200), patches(2, count=30))
    assert found is not None
    assert len(found.features) == len(found.z) == 30
    assert likeness(patches(1, count=200), patches(2, count=1)) is None
    assert likeness(patches(1, side=8), patches(2, side=8)) is None
