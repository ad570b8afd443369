"""Learning-rate schedules, early stopping and the order of the batches."""

from typing import Any

import numpy as np
import pytest
import torch
from factories.toy_classifier import toy_config

from pathgen.classifier.classifier_state import best_epoch, should_stop
from pathgen.classifier.device_dataset import batch_order


@pytest.mark.parametrize("name", ["step", "cosine"])
def test_learning_rate_equals_that_of_torch(name: str) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.02)
    schedules = torch.optim.lr_scheduler
    cuts: tuple[Any, Any] = (7, 0.5) if name == "step" else (None, None)
    schedule = schedules.StepLR(optimizer, *cuts) if cuts[0] else schedules.CosineAnnealingLR(optimizer, 40)
    recipe = toy_config(learning_rate=0.02, lr_schedule=name, lr_step_steps=cuts[0], lr_gamma=cuts[1]).recipe
    for taken in range(41):
        assert recipe.learning_rate_at(taken, 40) == pytest.approx(schedule.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize("changes", [{}, {"lr_schedule": "cosine", "lr_step_steps": None, "lr_gamma": None}])
def test_warm_up_multiplies_the_first_learning_rates(changes: dict[str, Any]) -> None:
    plain, warm = toy_config(**changes).recipe, toy_config(warmup_steps=4, **changes).recipe
    factors = [warm.learning_rate_at(taken, 40) / plain.learning_rate_at(taken, 40) for taken in range(6)]
    assert factors == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("accuracies", "best"),
    [([0.5], 1), ([0.5, 0.6, 0.6, 0.55], 2), ([0.5, 0.5], 1), ([0.1, 0.2, 0.3], 3)],
)
def test_best_epoch_is_the_first_maximum(accuracies: list[float], best: int) -> None:
    assert best_epoch(accuracies) == best


def test_should_stop_after_patience_epochs() -> None:
    curve = [0.5, 0.7, 0.6, 0.7, 0.65]
    assert [should_stop(curve[:done], max_epochs=50, patience=3) for done in range(6)] == [False] * 5 + [True]
    assert not should_stop([0.1, 0.2, 0.3], max_epochs=4, patience=1)
    assert should_stop([0.1, 0.2, 0.3, 0.4], max_epochs=4, patience=1)


def test_batch_order_holds_every_row_once() -> None:
    batches = list(batch_order(10, 4, seed=1, epoch=1))
    assert [len(rows) for rows in batches] == [4, 4, 2]
    assert sorted(np.concatenate(batches)) == list(range(10))


def rows_of(count: int, epoch: int, epoch_patches: int | None = None, *, seed: int = 1) -> list[int]:
    return np.concatenate(list(batch_order(count, 4, seed, epoch, epoch_patches))).tolist()


def test_batch_order_depends_on_seed_and_epoch() -> None:
    assert rows_of(50, 1) == rows_of(50, 1)
    assert rows_of(50, 1) not in (rows_of(50, 2), rows_of(50, 1, seed=2))


@pytest.mark.parametrize("epoch_patches", [1, 7, 20, 45])
def test_batch_order_of_short_epochs_is_the_same_sequence(epoch_patches: int) -> None:
    passes = [row for epoch in range(1, 20) for row in rows_of(20, epoch)]
    epochs = [row for epoch in range(1, 9) for row in rows_of(20, epoch, epoch_patches)]
    assert len(epochs) == 8 * epoch_patches
    assert epochs == passes[: len(epochs)]
