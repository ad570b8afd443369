"""The benchmark of all pairs runs, agrees with the loop, and writes what it measured."""

import json
from pathlib import Path

import pytest

from benchmarks import correlation


def test_all_pairs_are_measured_against_products_and_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correlation, "find_spec", lambda name: None)
    monkeypatch.setattr(correlation, "peak_mb", lambda count, threads: 500.0)
    file = tmp_path / "f.json"
    small = ["--patches", "64", "--pairs", "5", "--shifted", "20", "--threads", "1", "--device", "cpu"]
    correlation.main([*small, "--json", str(file)])
    told = json.loads(file.read_text())
    values = {result["name"]: result["value"] for result in told["results"]}
    ratios = told["ratios"]
    assert ratios["time_vs_gemm"] == pytest.approx(values["bare products"] / values["one position"])
    assert ratios["vs_loop"] == pytest.approx(values["one position"] / values["NumPy, pair by pair"])
    # 139,888 more patches of 12,288 bytes, and their lists.
    assert values["memory, 70,016 x 70,000, patches included"] == pytest.approx(500 + 1682, abs=2)


def test_another_number_than_the_loops_ends_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="differ"):
        correlation.check_same(lambda a, b: correlation.plain(a, b) * 0.99)
