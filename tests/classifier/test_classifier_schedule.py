"""The learning rate is cut by optimiser step; the earlier of equally good epochs is kept."""

import numpy as np
import pytest
import torch

from pathgen.classifier.lr_schedule import batches, best_epoch, is_over, learning_rates


def test_learning_rate_equals_torch_stepped_after_every_optimiser_step() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.001)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.5)
    rate_at = learning_rates("step", 0.001, 40, 7, 0.5)
    for step in range(40):
        assert rate_at(step) == schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()


def test_cosine_equals_torchs() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
    rate_at = learning_rates("cosine", 0.02, 30, None, None)
    for step in range(31):
        assert rate_at(step) == pytest.approx(schedule.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [([0.5], 1), ([0.5, 0.6, 0.6, 0.55], 2), ([0.5, 0.5], 1), ([0.1, 0.2, 0.3], 3)],
)
def test_best_epoch(accuracies: list[float], best: int) -> None:
    assert best_epoch(accuracies) == best


def test_stops_after_patience_epochs_without_a_better_one() -> None:
    curve = [0.5, 0.7, 0.6, 0.7, 0.65]
    assert [is_over(curve[:done], max_epochs=50, patience=3) for done in range(6)] == [False] * 5 + [True]
    assert not is_over([0.1, 0.2, 0.3], max_epochs=4, patience=1)
    assert is_over([0.1, 0.2, 0.3, 0.4], max_epochs=4, patience=1)


def test_batches_deal_every_patch_once_and_keep_the_last() -> None:
    batch_order = list(batches(10, 4, seed=1, epoch=1))
    assert [len(rows) for rows in batch_order] == [4, 4, 2]
    assert sorted(np.concatenate(batch_order)) == list(range(10))


def test_order_is_a_function_of_seed_and_epoch() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(list(batches(50, 8, seed, epoch))).tolist()

    assert order(1, 1) == order(1, 1)
    assert order(1, 1) != order(1, 2)
    assert order(1, 1) != order(2, 1)


def batch_order(count: int, epoch: int, epoch_patches: int | None) -> list[int]:
    return np.concatenate(list(batches(count, 4, 1, epoch, epoch_patches))).tolist()


@pytest.mark.parametrize("epoch_patches", [1, 7, 20, 45])
def test_epochs_of_another_length_deal_the_same_passes(epoch_patches: int) -> None:
    passes = [row for epoch in range(1, 20) for row in batch_order(20, epoch, None)]
    epochs = [row for epoch in range(1, 9) for row in batch_order(20, epoch, epoch_patches)]
    assert len(epochs) == 8 * epoch_patches
    assert epochs == passes[: len(epochs)]
