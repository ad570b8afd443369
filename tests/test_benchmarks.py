"""Benchmarks run at a small size and print positive figures."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

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


def test_benchmarks_command_lists_every_benchmark() -> None:
    shown = CliRunner().invoke(importlib.import_module("benchmarks.__main__").app, ["--help"]).output
    assert {*SMALL, "pipeline", "privacy_rates"} <= set(shown.split())
