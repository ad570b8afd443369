"""The chance of augmentation follows the sign statistic."""

import pytest
import torch

from pathgen.gan.ada import INTERVAL, LIMIT, AdaptiveAugmentation

SURE, UNDECIDED = torch.full((10,), 3.0), torch.tensor([1.0, -1.0] * 5)


def adaptive(target: float = 0.6, kimg: float = 1.0) -> AdaptiveAugmentation:
    return AdaptiveAugmentation(target=target, kimg=kimg, batch_size=10)


def test_ada_step_is_proportional_to_the_images_shown() -> None:
    state = adaptive()
    for _ in range(3 * INTERVAL):
        state.update(SURE)
    assert state.sign == 1.0
    assert state.chance == pytest.approx(3 * INTERVAL * 10 / 1000)
    for _ in range(2 * INTERVAL):
        state.update(UNDECIDED)
    assert state.sign == 0.0
    assert state.chance == pytest.approx(1 * INTERVAL * 10 / 1000)
    for _ in range(5 * INTERVAL):
        state.update(UNDECIDED)
    assert state.chance == 0.0


def test_ada_uses_the_mean_sign_of_all_steps_of_an_interval() -> None:
    state = adaptive()
    for sure in (True, True, False, True):
        state.update(SURE if sure else UNDECIDED)
    assert state.sign == 0.75
    assert state.chance > 0
    low = adaptive(target=0.8)
    for sure in (True, True, False, True):
        low.update(SURE if sure else UNDECIDED)
    assert low.chance == 0.0


def test_ada_probability_stays_below_one_and_can_be_fixed_at_zero() -> None:
    state, off = adaptive(kimg=0.05), adaptive(target=0.0)
    for _ in range(10 * INTERVAL):
        state.update(SURE)
        off.update(SURE)
    assert state.chance == LIMIT
    assert off.chance == 0.0
