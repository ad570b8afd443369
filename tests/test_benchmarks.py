"""Benchmarks run at a small size and print positive figures."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from factories.toy_classifier import toy_patches
from ruamel.yaml import YAML
from typer.testing import CliRunner

from benchmarks import recipe_health, verdict_rates
from benchmarks.__main__ import app
from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.core.profiles import read_profile
from pathgen.patches.store import PatchSet, write_patch_set
from pathgen.results.comparison_record import ErrorComponent
from pathgen.results.verdict_record import Needed

SMALL: dict[str, dict[str, Any]] = {
    "correlation": {"patches": 64, "patches_shifted": 20, "device": "cpu"},
    # Several processes that each load their libraries.
    "extraction": {"side": 2048, "patches": 50, "rounds": 2},
    "cohort": {"slides": [10], "workers": 1},
    "classifier_training": {"seconds": 0.1, "rounds": 2},
    "gan_training": {"batch": 4, "seconds": 0.1, "rounds": 1, "width": 16, "channel_base": 64},
}
SLOW = SMALL.keys() - {"correlation"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.pipeline] if name in SLOW else []) for name in SMALL]
)
def test_benchmark_at_a_small_size_prints_figures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATHGEN_REAL_DATA", str(tmp_path))  # phantom tissue, whatever data the machine has
    importlib.import_module(f"benchmarks.{name}").main(**SMALL[name])
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) >= {"machine", "results", "ratios"}
    assert all(set(result) == {"name", "value", "unit", "cpu_s"} for result in figures["results"])
    assert all(result["value"] > 0 for result in figures["results"])
    assert all(ratio > 0 for ratio in figures["ratios"].values())
    assert figures["ratios"]


def test_every_benchmark_is_a_command() -> None:
    found = CliRunner().invoke(app, ["--help"])
    assert found.exit_code == 0, found.output
    assert all(name in found.output for name in ("privacy_rates", "recipe_health", "verdict_rates"))


def figures_of(
    main: Callable[..., None], capsys: pytest.CaptureFixture[str], **options: Any
) -> dict[str, float]:
    main(**options)
    return {result["name"]: result["value"] for result in json.loads(capsys.readouterr().out)["results"]}


def test_recipe_health_counts_failures_and_repeats_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = {layout.TRAIN: toy_patches(60, 1), layout.VALID: toy_patches(20, 2)}
    for label in LABELS:
        # No class can be learnt from it: both are the same noise.
        noise = toy_patches(30, 3).of_label("normal")
        folders[layout.synthetic_set("dcgan", label)] = PatchSet(
            noise.images, noise.index.assign(label=label)
        )
    for folder, patches in folders.items():
        write_patch_set(tmp_path / folder, patches.index, 16, [patches.images])
    small = {"root": tmp_path, "records": tmp_path / "records.jsonl", "seeds": 2, "patches": 15}
    small |= {"threads": [1], "precisions": ["fp32"]}
    # The recipe is that of a file, so that it can be changed.
    monkeypatch.chdir(tmp_path)
    change_recipe(tmp_path)
    found = figures_of(recipe_health.main, capsys, **small)
    assert found["cnn6-stable 15 fp32 1 synthetic: not converged"] == 2
    assert found["cnn6-stable 15 fp32 1 synthetic: validation accuracy, lowest"] <= 0.7

    with monkeypatch.context() as patched:
        patched.setattr(recipe_health, "train_classifier", lambda *_, **__: pytest.fail("trained again"))
        assert figures_of(recipe_health.main, capsys, **small) == found

    # Another recipe under the same name is trained, and a loss that is not finite counts as a failure.
    change_recipe(tmp_path, learning_rate=10.0, weight_decay=1.0, batch_size=1, warmup_steps=0)
    found = figures_of(recipe_health.main, capsys, **small)
    assert found["cnn6-stable 15 fp32 1 original: not converged"] == 2


def change_recipe(folder: Path, **changes: float) -> None:
    params = read_profile("phantom")
    params["train_classifier"]["classifiers"]["cnn6-stable"] |= changes
    YAML(typ="safe").dump(params, folder / "params.yaml")


def test_verdict_rates_of_clear_studies(capsys: pytest.CaptureFixture[str]) -> None:
    small = {"losses": [0.3], "studies": 3, "slides": 8, "patches": 100, "replicates": 3, "seeds": 3}
    found = figures_of(verdict_rates.main, capsys, resamples=100, **small)
    assert found["loss 0.3: inadequate"] == 1 and found["loss 0.3: adequate"] == 0
    assert found["control-noise inadequate"] == 1
    assert 0 < found["loss 0.3: half-width, mean"] < 0.2
    assert {"loss 0.3: standard error, test", "loss 0.3: standard error, generators"} <= found.keys()


def test_advice_is_right_within_a_factor_of_one_and_a_half() -> None:
    true = Needed(distance=0.02, alone={"test": 30, "generators": None}, factor=2.0)
    close = Needed(distance=0.02, alone={"test": 45, "generators": None}, factor=1.4)
    assert verdict_rates.advice_is_right(close, true) == {"factor": True, "test": True, "generators": True}
    wrong = Needed(distance=0.02, alone={"test": 46, "generators": 9}, factor=1.3)
    assert verdict_rates.advice_is_right(wrong, true) == {"factor": False, "test": False, "generators": False}


def test_true_components_are_mean_variances() -> None:
    parts = [
        {"test": ErrorComponent(error=error, freedom=freedom, count=9)} for error, freedom in ((1, 4), (7, 6))
    ]
    assert verdict_rates.true_components(parts)["test"] == ErrorComponent(error=5, freedom=5, count=9)
