"""Trainings that have gone wrong are ended, explained, and leave the last good snapshot."""

import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from factories.gan import CPU, DCGAN, STYLEGAN2, changed, dataset, hook_steps, same_weights, stored, train

from pathgen.core.errors import PathgenError
from pathgen.gan.gan_checkpoint import TrainedGan
from pathgen.gan.online_frechet import FRECHET_KEYS
from pathgen.gan.overfitting import PROBE_KEYS, OverfittingProbe, is_overfitting
from pathgen.gan.training_state import DivergenceMonitor

WELL = {"gan/discriminator_loss": 1.0, "gan/generator_loss": 2.0, "gan/spread_ratio": 0.8}
WILD = {**WELL, "gan/generator_loss": 300.0}
COLLAPSED = {**WELL, "gan/spread_ratio": 0.01}


def tissue(count: int, seed: int) -> np.ndarray:
    """Return blocks of random colours: all images differ, and all sets have one distribution."""
    colours = np.random.default_rng(seed).integers(60, 240, (count, 4, 4, 3), dtype=np.uint8)
    return colours.repeat(4, 1).repeat(4, 2)


def trained(
    settings: Any, images: np.ndarray, held_out: np.ndarray | None = None, **options: Any
) -> TrainedGan:
    data = dataset(images, held_out)
    return train(settings, data, **{"snapshot_every_kimg": 0.016, "desc": "train it"} | options)


def verdicts(records: list[dict[str, float]], originals_vary: bool = True) -> list[bool]:
    health = DivergenceMonitor(originals_vary=originals_vary)
    return [health.check(record) is not None for record in records]


def test_divergence_needs_consecutive_records_out_of_bounds() -> None:
    assert verdicts([WILD] * 5) == [False] * 4 + [True]
    assert not any(verdicts(([WILD] * 4 + [WELL]) * 3))
    assert verdicts([COLLAPSED] * 10) == [False] * 9 + [True]
    assert not any(verdicts(([COLLAPSED] * 9 + [WELL]) * 3))
    assert not any(verdicts([COLLAPSED] * 30, originals_vary=False))
    assert not any(verdicts([WELL] * 100))


def test_divergence_nan_is_detected_at_once() -> None:
    problem = DivergenceMonitor(originals_vary=True).check({**WELL, "gan/grad_norm_generator": math.nan})
    assert problem is not None
    assert problem[0] == "gan/grad_norm_generator is not finite"


def test_divergence_starts_at_the_first_bad_record() -> None:
    health = DivergenceMonitor(originals_vary=True)
    seen = []
    for record in (WELL, WILD, WELL, COLLAPSED, WELL):
        health.check(record)
        seen.append(health.is_healthy)
    assert seen == [True, False, True, False, True]


@pytest.mark.parametrize("generator", ["dcgan", "stylegan2"])
def test_divergence_learning_rate_of_one_is_detected(generator: str, tmp_path: Path) -> None:
    settings = DCGAN if generator == "dcgan" else STYLEGAN2
    broken = changed(settings, lr_generator=1.0, lr_discriminator=1.0)
    with pytest.raises(PathgenError) as caught:
        trained(broken, tissue(64, 1), resume_folder=tmp_path)
    message = str(caught.value)
    assert message.startswith("train it: after ")
    assert "learning rates" in message and "snapshot is kept" in message and "\n" not in message
    if (tmp_path / "snapshot.pt").exists():
        pair = stored(tmp_path)["pair"]
        assert all(bool(tensor.isfinite().all()) for name in "gd" for tensor in pair[name].values())


def test_divergence_keeps_the_snapshot_before_the_collapse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collapsed = {"gan/spread_ratio": torch.tensor(0.003)}
    hook_steps(
        monkeypatch, after=lambda step, statistics: statistics | collapsed if step >= 20 else statistics
    )
    with pytest.raises(PathgenError, match=r"after 240 images .* 0\.3%"):
        trained(changed(DCGAN, kimg=0.4), tissue(64, 1), resume_folder=tmp_path)
    assert stored(tmp_path)["training"]["step"] == 20


def look(ratio: float, known: float = 0.9, held_out: float = 0.7) -> dict[str, float]:
    return {"gan/overfitting": ratio, "gan/known_accuracy": known, "gan/held_out_accuracy": held_out}


def test_overfitting_needs_three_consecutive_measurements() -> None:
    assert is_overfitting([look(0.1), look(0.6), look(0.7), look(0.9)])
    assert not is_overfitting([look(0.6), look(0.7)])
    assert not is_overfitting([look(0.6), look(0.2), look(0.9)])
    assert not is_overfitting([look(0.6), look(0.7), look(0.9, known=0.5)])
    assert is_overfitting([look(0.1, held_out=0.5)] * 3)
    assert not is_overfitting([look(0.1, held_out=0.5)] * 2 + [look(0.1)])
    undecided = {"gan/known_accuracy": 1.0, "gan/held_out_accuracy": 0.9}
    assert not is_overfitting([look(0.6), look(0.7), undecided])


class Brightness(torch.nn.Module):
    """Judges by the mean: 0 is undecided."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean((1, 2, 3))


def grey(level: int, count: int) -> np.ndarray:
    return np.full((count, 16, 16, 3), level, dtype=np.uint8)


def test_overfitting_measurement_equals_its_definition() -> None:
    data, settings = dataset(grey(255, 8), grey(153, 20)), changed(DCGAN, batch_size=16)
    probe = OverfittingProbe(data, settings, CPU)
    generated = torch.full((64, 3, 16, 16), -0.6)
    measured = probe.measure(Brightness(), generated)
    assert (
        measured["gan/known_accuracy"]
        == measured["gan/held_out_accuracy"]
        == measured["gan/generated_accuracy"]
        == 1.0
    )
    # Logits 1.0, 0.2 and -0.6: half of the way from known to generated.
    assert measured["gan/overfitting"] == pytest.approx(0.5, abs=1e-6)
    undecided = probe.measure(Brightness(), torch.full((64, 3, 16, 16), 0.7))
    assert "gan/overfitting" not in undecided
    assert undecided["gan/generated_accuracy"] == 0.0


def test_overfitting_measurement_changes_no_weight() -> None:
    recipe = changed(DCGAN, kimg=0.2)
    images = tissue(40, 1)
    alone, watched = trained(recipe, images), trained(recipe, images, held_out=tissue(30, 2))
    assert same_weights(alone.generator, watched.generator)
    assert same_weights(alone.discriminator, watched.discriminator)
    assert alone.history.equals(watched.history)
    assert len(alone.overfitting) == 0
    assert len(watched.overfitting) == watched.overfitting["gan/frechet"].nunique() == 20
    assert watched.overfitting["gan/frechet_floor"].nunique() == 1
    assert (
        list(watched.overfitting.columns)
        == list(alone.overfitting.columns)
        == ["kimg", *PROBE_KEYS, *FRECHET_KEYS]
    )


@pytest.mark.parametrize("generator", ["dcgan", "stylegan2"])
def test_overfitting_on_eight_patches_is_detected(generator: str, caplog: pytest.LogCaptureFixture) -> None:
    recipes = {
        "dcgan": changed(DCGAN, kimg=1.6, augment="none", lr_discriminator=1e-3),
        "stylegan2": changed(STYLEGAN2, kimg=0.8, augment="none", ada_target=0.0, lr_discriminator=5e-3),
    }
    with caplog.at_level(logging.WARNING):
        result = trained(recipes[generator], tissue(8, 1), held_out=tissue(60, 2))
    assert is_overfitting([dict(row) for _, row in result.overfitting.iterrows()])
    (message,) = {record.getMessage() for record in caplog.records}
    assert "memorised the 8 training patches" in message


def test_overfitting_on_many_patches_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        trained(changed(DCGAN, kimg=1.6), tissue(1600, 1), held_out=tissue(60, 2))
    assert not caplog.records
