"""Benchmarks run at a small size and print positive figures; a reference computes the same function."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import classifier_training

SMALL: dict[str, dict[str, Any]] = {
    "correlation": {"patches": 64, "patches_shifted": 20, "device": "cpu"},
    "store": {"patches": 600},
}
# Several processes that each load their libraries.
SLOW: dict[str, dict[str, Any]] = {
    "extraction": {"side": 2048, "patches": 50, "rounds": 2},
    "drawing": {"candidates": (10_000, 20_000)},
    "cohort": {"slides": [10], "workers": 1},
    "classifier_training": {"seconds": 0.1, "rounds": 2},
    "gan_training": {"batch": 4, "seconds": 0.1, "rounds": 1, "width": 16, "channel_base": 64},
}


# Torch finds four loader processes too many for a small machine.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.pipeline) for name in SLOW)])
def test_benchmark_at_a_small_size_prints_figures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATHGEN_REAL_DATA", str(tmp_path))  # phantom tissue, whatever data the machine has
    importlib.import_module(f"benchmarks.{name}").main(**(SMALL | SLOW)[name])
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) >= {"machine", "results", "ratios"}
    assert all(set(result) == {"name", "value", "unit", "cpu_s"} for result in figures["results"])
    assert all(result["value"] > 0 for result in figures["results"])
    assert all(ratio > 0 for ratio in figures["ratios"].values())
    assert figures["ratios"]


def test_torch_network_computes_the_function_of_cnn6() -> None:
    plain, ours = classifier_training.torch_network(), classifier_training.pathgen_network()
    weights = dict(zip(plain.state_dict(), ours.state_dict().values(), strict=True))
    plain.load_state_dict(weights)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    assert torch.equal(plain(images), ours(images))
