"""Benchmarks run at a small size and write positive figures; a reference computes the same function."""

import importlib
import json
from pathlib import Path

import pytest
import torch

from benchmarks import classifier_training

SMALL = {
    "correlation": ["--patches", "64", "--pairs", "5", "--shifted", "20", "--device", "cpu"],
    "store": ["--patches", "600"],
    "extraction": ["--side", "2048", "--patches", "50", "--rounds", "2"],
}
# Several processes that each load torch and torchvision.
SLOW = {
    "classifier_training": ["--seconds", "0.1", "--rounds", "2"],
    "gan_training": [
        *("--batch", "4", "--seconds", "0.1", "--rounds", "1"),
        *("--width", "16", "--channel-base", "64"),
    ],
}


# Torch finds four loader processes too many for a small machine.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.pipeline) for name in SLOW)])
def test_benchmark_at_a_small_size_writes_figures(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATHGEN_REAL_DATA", str(tmp_path))  # phantom tissue, whatever data the machine has
    file = tmp_path / "figures.json"
    importlib.import_module(f"benchmarks.{name}").main([*(SMALL | SLOW)[name], "--json", str(file)])
    figures = json.loads(file.read_text())
    assert set(figures) >= {"machine", "results", "ratios"}
    assert all(set(result) == {"name", "value", "unit", "cpu_s"} for result in figures["results"])
    # A part of the time may be nothing: drawing has no optimiser.
    assert all(result["value"] > 0 or result["unit"] == "% of time" for result in figures["results"])
    assert all(ratio > 0 for ratio in figures["ratios"].values())
    assert figures["ratios"]


def test_network_of_the_usual_script_computes_the_same_function() -> None:
    plain, ours = classifier_training.as_published(), classifier_training.from_this_suite()
    weights = dict(zip(plain.state_dict(), ours.state_dict().values(), strict=True))
    plain.load_state_dict(weights)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    assert torch.equal(plain(images), ours(images))
