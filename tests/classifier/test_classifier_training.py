"""Training of classifiers: best epoch, history, exact resume after kill -9."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import factories.toy_classifier
import numpy as np
import pandas as pd
import pytest
import torch
from factories.toy_classifier import toy_patches, train_toy
from numpy.typing import NDArray

from pathgen.classifier import classifier_loop
from pathgen.classifier.classifier_checkpoint import load_classifier, save_classifier
from pathgen.classifier.classifier_state import NonFiniteLoss, TrainingState
from pathgen.classifier.prediction import predict
from pathgen.core.errors import PathgenError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Listener:
    """Logger that keeps everything."""

    def __init__(self) -> None:
        self.metrics_by_step: dict[int, dict[str, float]] = {}
        self.pictures: dict[str, tuple[int, NDArray[np.uint8]]] = {}

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self.metrics_by_step[step] = dict(values)

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        self.pictures[key] = (step, image)


def script_validation(
    monkeypatch: pytest.MonkeyPatch, accuracies: list[float]
) -> list[dict[str, torch.Tensor]]:
    """Make validation return these accuracies; return the weights at each validation."""
    weights: list[dict[str, torch.Tensor]] = []
    curve = iter(accuracies)
    labels = toy_patches(40, 2).classes

    def scripted(model: torch.nn.Module, images: object, device: object) -> torch.Tensor:
        weights.append({name: value.clone() for name, value in model.state_dict().items()})
        right = round(40 * next(curve, 0.5))
        predicted = np.where(np.arange(40) < right, labels, 1 - labels)
        return torch.log(torch.tensor([[0.6, 0.4], [0.4, 0.6]], dtype=torch.float64))[predicted]

    monkeypatch.setattr(classifier_loop, "log_probabilities", scripted)
    return weights


def test_train_classifier_learns_a_separable_task() -> None:
    trained = train_toy(max_epochs=6, patience=6)
    patches = toy_patches(60, 3)
    assert ((predict(trained.model, patches.images, CPU) >= 0.5) == patches.classes).mean() > 0.95


def test_train_classifier_keeps_the_first_of_equal_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = script_validation(monkeypatch, [0.5, 0.8, 0.7, 0.8, 0.6, 0.9])
    trained = train_toy(max_epochs=50, patience=3)
    assert (len(trained.history), trained.best_epoch) == (5, 2)
    kept = trained.model.state_dict()
    assert all(torch.equal(kept[name], weights[1][name]) for name in kept)
    assert not any(torch.equal(kept[name], weights[3][name]) for name in kept)


def test_train_classifier_cuts_the_rate_by_optimiser_step(monkeypatch: pytest.MonkeyPatch) -> None:
    script_validation(monkeypatch, [0.1, 0.2, 0.3])
    history = train_toy(learning_rate=0.01, lr_step_steps=6, lr_gamma=0.5).history
    # 90 patches in batches of 16 are 6 steps an epoch: each epoch's last step is the last before a cut.
    assert history["learning_rate"].tolist() == [0.01, 0.005, 0.0025]


def test_history_averages_over_patches_not_batches() -> None:
    # With a learning rate this small the weights stay as they are, in the largest and in small batches.
    still = {"learning_rate": 1e-30, "weight_decay": 0.0, "max_epochs": 1}
    patches = (toy_patches(41, 1), toy_patches(41, 1))
    whole = train_toy(patches=patches, batch_size=41, **still).history.iloc[0]
    uneven = train_toy(patches=patches, batch_size=40, **still).history.iloc[0]
    assert uneven["train_loss"] == pytest.approx(whole["train_loss"], rel=1e-6)
    assert whole["train_loss"] == pytest.approx(whole["valid_loss"], rel=1e-6)
    assert uneven["train_accuracy"] == whole["train_accuracy"] == whole["valid_accuracy"]


def test_logger_receives_every_epoch_and_misclassified_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    script_validation(monkeypatch, [0.5, 0.6, 0.4])
    listener = Listener()
    trained = train_toy(logger=listener)
    assert list(listener.metrics_by_step) == [1, 2, 3]
    assert listener.metrics_by_step[2] == {
        "train/loss": trained.history["train_loss"][1],
        "train/accuracy": trained.history["train_accuracy"][1],
        "train/learning_rate": trained.history["learning_rate"][1],
        "valid/loss": trained.history["valid_loss"][1],
        "valid/accuracy": 0.6,
    }
    step, picture = listener.pictures["misclassified"]
    # 20 errors in 3 rows of 8 patches of 16 px, enlarged twice.
    assert step == 2
    assert picture.shape == (3 * 32 + 2 * 2, 8 * 32 + 7 * 2, 3)


def test_hardest_errors_come_first() -> None:
    scores = torch.tensor([[0.9, 0.1], [0.1, 0.9], [0.4, 0.6], [0.3, 0.7]], dtype=torch.float64)
    assert classifier_loop.hardest_errors(scores.log(), np.array([0, 0, 0, 1])).tolist() == [1, 2]


def test_train_classifier_is_deterministic_and_keeps_float32_weights() -> None:
    def weights_of(precision: str, seed: int = 1) -> dict[str, torch.Tensor]:
        return train_toy(precision=precision, max_epochs=1, seed=seed).model.state_dict()

    weights, rounded = weights_of("fp32"), weights_of("bf16")
    for first, precision in ((weights, "fp32"), (rounded, "bf16")):
        second, other = weights_of(precision), weights_of(precision, seed=2)
        assert all(torch.equal(first[name], second[name]) for name in first)
        assert not all(torch.equal(first[name], other[name]) for name in first)
    assert not any(torch.equal(weights[name], rounded[name]) for name in weights)
    torch.testing.assert_close(rounded, weights, rtol=0.02, atol=0.002)
    assert {value.dtype for value in rounded.values()} == {torch.float32}


def test_channels_last_changes_the_memory_format_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bool] = []
    plain = classifier_loop.train_step

    def spied(run: TrainingState, images: torch.Tensor, *rest: Any, **options: Any) -> None:
        layouts = [
            tensor.is_contiguous(memory_format=torch.channels_last)
            for tensor in (images, run.model.features[2].weight)
        ]
        seen.extend(layouts)
        plain(run, images, *rest, **options)

    monkeypatch.setattr(classifier_loop, "train_step", spied)
    weights = []
    for wanted in (True, False):
        seen.clear()
        weights.append(train_toy(channels_last=wanted, max_epochs=1).model.state_dict())
        assert set(seen) == {wanted}
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-4, atol=1e-5)


def test_max_steps_within_an_epoch_ends_with_a_validation() -> None:
    # 90 patches in batches of 16 are 6 steps an epoch.
    history = train_toy(max_steps=8).history
    assert len(history) == 2
    long = train_toy(max_steps=1000).history
    assert len(long) == 3
    pd.testing.assert_frame_equal(history[:1], long[:1], check_exact=True)
    # The averages are those of the two batches seen, not of all 90 patches.
    assert 0.3 < history["train_loss"][1] / long["train_loss"][1] < 3.0


def test_epoch_patches_sets_the_steps_between_validations() -> None:
    for epoch_patches, epochs in ((32, 5), (200, 1)):
        history = train_toy(max_epochs=100, patience=100, max_steps=10, epoch_patches=epoch_patches).history
        assert len(history) == epochs


def test_stop_after_epoch_is_called_again_after_a_restart(tmp_path: Path) -> None:
    calls: list[tuple[int, float]] = []

    def stop(epoch: int, row: dict[str, float]) -> bool:
        calls.append((epoch, row["valid_loss"]))
        return epoch == 2

    stopped = train_toy(resume_folder=tmp_path, stop_after_epoch=stop)
    assert calls == list(zip([1, 2], stopped.history["valid_loss"], strict=True))
    first = calls.copy()
    calls.clear()
    again = train_toy(resume_folder=tmp_path, stop_after_epoch=stop)
    assert calls == first
    assert len(again.history) == 2
    assert len(train_toy(resume_folder=tmp_path).history) == 3, "without the callback it goes on"


def saved_bytes(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_train_classifier_killed_and_resumed_gives_same_bytes(tmp_path: Path) -> None:
    changes = {"augment": "d4_stain_blur", "lr_schedule": "cosine", "lr_step_steps": None, "lr_gamma": None}
    straight = train_toy(**changes)
    save_classifier(tmp_path / "straight", straight, {"seed": 1})
    resume = tmp_path / "resume"
    script = Path(factories.toy_classifier.__file__)
    # In the middle of the second epoch: its averages are those of all its batches.
    command = [sys.executable, script, resume, "9", json.dumps(changes)]
    killed = subprocess.run(command, check=False, capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    listener = Listener()
    resumed = train_toy(resume_folder=resume, logger=listener, **changes)
    assert list(listener.metrics_by_step) == [2, 3], "only the lost epochs are trained again"
    save_classifier(tmp_path / "resumed", resumed, {"seed": 1})
    assert saved_bytes(tmp_path / "resumed") == saved_bytes(tmp_path / "straight")
    pd.testing.assert_frame_equal(resumed.history, straight.history, check_exact=True)
    # Ended, but not yet saved by the caller: nothing is trained again.
    again = train_toy(resume_folder=resume, logger=(idle := Listener()), **changes)
    assert idle.metrics_by_step == {}
    assert again.best_epoch == straight.best_epoch


def test_train_classifier_resumes_after_an_exception_in_a_callback(tmp_path: Path) -> None:
    straight = train_toy()

    def failing(epoch: int, row: dict[str, float]) -> bool:
        if epoch == 2:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        train_toy(resume_folder=tmp_path, stop_after_epoch=failing)
    resumed = train_toy(resume_folder=tmp_path, logger=(listener := Listener()))
    assert list(listener.metrics_by_step) == [3]
    pd.testing.assert_frame_equal(resumed.history, straight.history, check_exact=True)


def test_snapshot_of_other_config_data_or_torch_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_toy(max_epochs=1, resume_folder=tmp_path)
    with pytest.raises(PathgenError, match=r"momentum was 0\.9, is 0\.5"):
        train_toy(max_epochs=1, momentum=0.5, resume_folder=tmp_path)
    patches = (toy_patches(90, 4), toy_patches(40, 2))
    with pytest.raises(PathgenError, match="data was"):
        train_toy(max_epochs=1, patches=patches, resume_folder=tmp_path)
    monkeypatch.setattr(classifier_loop, "library_versions", lambda *names: dict.fromkeys(names, "0.1"))
    with pytest.raises(PathgenError, match=r"libraries\.torch was"):
        train_toy(max_epochs=1, resume_folder=tmp_path)


def test_non_finite_loss_raises() -> None:
    with pytest.raises(NonFiniteLoss, match="train toy"):
        train_toy(learning_rate=10.0, weight_decay=1.0, max_epochs=9, patience=9)


def test_load_classifier_damaged_file_raises(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save_classifier(folder, train_toy(max_epochs=1), {})
    weights, facts = folder / "model.safetensors", folder / "model.json"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    with pytest.raises(PathgenError, match=r"model\.safetensors: damaged"):
        load_classifier(folder)
    weights.write_bytes(whole)
    facts.write_text(facts.read_text().replace('"image_size_px": 16', '"image_size_px": 32'))
    with pytest.raises(PathgenError, match="does not fit the network"):
        load_classifier(folder)
    unknown = facts.read_text().replace('"network": "cnn6"', '"network": "cnn7"')
    for content, subject in (("[]", r"model\.json"), (unknown, "cnn7")):
        facts.write_text(content)
        with pytest.raises(PathgenError, match=subject):
            load_classifier(folder)
    facts.unlink()
    with pytest.raises(PathgenError, match=r"model\.json"):
        load_classifier(folder)
