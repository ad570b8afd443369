"""Health of a classifier's training, and its repetition with new seeds."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from factories.toy_classifier import toy_config, toy_patches, train_toy

from pathgen.classifier.classifier_loop import TrainedClassifier
from pathgen.classifier.health import classifier_health
from pathgen.classifier.retries import train_with_retries
from pathgen.core.seeding import derive_seed
from pathgen.results.health_record import ClassifierHealth
from pathgen.training.metric_logger import NullLogger

LABELS = np.array([0, 1] * 20)
RANKED = np.where(LABELS == 1, 0.8, 0.2)
DEAD: dict[str, Any] = {"learning_rate": 10.0, "max_epochs": 2}
ALIVE: dict[str, Any] = {"lr_gamma": 1.0, "max_epochs": 12, "patience": 12}


def health(
    losses: tuple[float, ...] = (0.6, 0.2),
    accuracies: tuple[float, ...] = (0.7, 0.9),
    scores: np.ndarray = RANKED,
    labels: np.ndarray = LABELS,
    best_epoch: int = 2,
    diverged: bool = False,
) -> ClassifierHealth:
    history = pd.DataFrame({"train_loss": losses, "train_accuracy": accuracies})
    return classifier_health(history, best_epoch, scores, labels, seed=7, diverged=diverged)


def test_training_that_learnt_converged() -> None:
    found = health()
    assert found.converged and found.failures == () and found.remarks == ()
    assert (found.training_seed, found.state) == (7, "converged")


@pytest.mark.parametrize(
    ("changes", "failures"),
    [
        # As the review of a real study found it: the classifier unlearnt its own training set.
        ({"losses": (0.652, 0.694), "accuracies": (0.597, 0.5)}, ("training loss", "training accuracy")),
        ({"losses": (0.69, 0.98 * math.log(2))}, ("training loss",)),
        ({"accuracies": (0.9, 0.54)}, ("training accuracy",)),
        ({"scores": np.full(40, 0.4)}, ("one class",)),
        ({"scores": 1 - RANKED}, ("validation ROC-AUC",)),
        ({"diverged": True}, ("loss not finite",)),
        ({"losses": (), "accuracies": (), "best_epoch": 0, "diverged": True}, ("loss not finite",)),
    ],
)
def test_training_that_failed_states_why(changes: dict[str, Any], failures: tuple[str, ...]) -> None:
    found = health(**changes)
    assert not found.converged and found.state == "not converged"
    assert len(found.failures) == len(failures)
    assert all(one.startswith(start) for one, start in zip(found.failures, failures, strict=True))


def test_validation_patches_of_one_class_say_nothing() -> None:
    assert health(scores=np.full(40, 0.9), labels=np.ones(40, dtype=np.int64)).converged


def test_selection_that_stopped_at_its_first_epoch_is_a_remark() -> None:
    found = health(best_epoch=1)
    assert found.converged and found.remarks == ("best epoch is the first",)
    assert health((0.2,), (0.9,), best_epoch=1).remarks == ()


def test_trained_toy_converged_and_a_dead_one_did_not() -> None:
    alive, dead = train_toy(**ALIVE), train_toy(**DEAD, keep_diverged=True)
    assert alive.health.converged
    assert not dead.health.converged


def test_diverged_training_keeps_its_initial_weights() -> None:
    diverging: dict[str, Any] = {"learning_rate": 10.0, "weight_decay": 1.0, "max_epochs": 9, "patience": 9}
    found = train_toy(**diverging, keep_diverged=True)
    assert "loss not finite" in found.health.failures
    assert all(torch.isfinite(tensor).all() for tensor in found.model.state_dict().values())
    assert np.isfinite(found.history.to_numpy(np.float64)).all()
    assert found.best_epoch <= len(found.history) < 9


def repeated(folder: Path, **changes: Any) -> TrainedClassifier:
    return train_with_retries(
        toy_patches(90, 1),
        toy_patches(40, 2),
        toy_config(**changes),
        device=torch.device("cpu"),
        resume_folder=folder,
        logger=NullLogger(),
        desc="train toy",
    )


def test_policy_report_keeps_the_failed_training(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = repeated(tmp_path, **DEAD)
    assert not found.health.converged
    assert (found.health.training_seed, found.health.failed_seeds) == (1, ())
    (said,) = caplog.messages
    assert said.startswith("train toy: the training did not converge (") and "marked everywhere" in said


def test_retries_are_counted_and_written_down(tmp_path: Path) -> None:
    found = repeated(tmp_path, max_retries=2, **DEAD)
    seeds = (1, derive_seed(1, "retry", 1), derive_seed(1, "retry", 2))
    assert not found.health.converged
    assert (found.health.failed_seeds, found.health.training_seed) == (seeds[:2], seeds[2])
    assert found.health.as_json()["failed_seeds"] == seeds[:2]


def test_retry_ends_with_the_first_training_that_converged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = train_toy(**ALIVE)
    failed = alive.health.model_copy(update={"converged": False})
    attempts = iter([failed, failed, alive.health, failed])
    folders = []

    def scripted(*_: object, resume_folder: Path, **__: object) -> TrainedClassifier:
        folders.append(resume_folder.name)
        return TrainedClassifier(**{**vars(alive), "health": next(attempts)})

    monkeypatch.setattr("pathgen.classifier.retries.train_classifier", scripted)
    found = repeated(tmp_path, max_retries=5)
    assert found.health.converged and len(found.health.failed_seeds) == 2
    # Each attempt resumes from its own snapshots.
    assert folders == ["0", "1", "2"]


def test_training_that_converges_is_not_repeated(tmp_path: Path) -> None:
    found = repeated(tmp_path, **ALIVE, max_retries=3)
    once = train_toy(**ALIVE)
    assert found.health == once.health
    assert found.history.equals(once.history)
