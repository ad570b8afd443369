"""The benchmark of the reader runs, small, and writes what it measured."""

import json
from pathlib import Path

import pytest

from benchmarks import extraction


def test_the_reader_is_measured_against_the_naive_loop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATHGEN_REAL_DATA", str(tmp_path))  # phantom tissue, whatever lies beside the clone
    file = tmp_path / "f.json"
    extraction.main(["--side", "2048", "--patches", "50", "--rounds", "2", "--json", str(file)])
    told = json.loads(file.read_text())
    assert set(told) == {"machine", "results", "ratios"}
    values = {result["name"]: result["value"] for result in told["results"]}
    assert all(value > 0 for value in values.values())
    assert all(set(result) == {"name", "value", "unit", "cpu_s"} for result in told["results"])
    assert set(told["ratios"]) == {
        "vs_naive",
        "vs_naive_cpu",
        "vs_naive_pool",
        "of_decode_limit",
        "of_decode_limit_cpu",
    }
    # With 6,400 patches it is 20 and more; with 50 on a busy machine opening the slide weighs most.
    assert told["ratios"]["vs_naive_cpu"] > 1
    shown = capsys.readouterr().out
    assert "50 patches of 256 px to 64 px, 2,048 px square of phantom tissue" in shown
    assert "vs_naive_cpu" in shown
