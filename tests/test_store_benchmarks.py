"""The benchmarks of store and draw run, and write what they measured."""

import json
from pathlib import Path

import pytest

from benchmarks import drawing, store


def _figures(file: Path) -> tuple[dict[str, float], dict[str, float]]:
    told = json.loads(file.read_text())
    assert set(told) == {"machine", "results", "ratios"}
    assert all(set(result) == {"name", "value", "unit", "cpu_s"} for result in told["results"])
    return {result["name"]: result["value"] for result in told["results"]}, told["ratios"]


# Torch finds four loader processes too many for a small machine.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_the_store_is_measured_against_a_folder_of_pngs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.main(["--patches", "600", "--folder", str(tmp_path), "--json", str(tmp_path / "f.json")])
    values, ratios = _figures(tmp_path / "f.json")
    # Measured with 70,000 patches on a busy machine: 226,000 and 1,600 patches/s, 142 to 1.
    assert ratios["vs_png_folder"] == pytest.approx(
        values["patch set, shuffled batches"] / values["PNG folder, ImageFolder"]
    )
    assert ratios["vs_png_folder"] > 5
    assert {"dvc add, set", "dvc add, png"} <= set(values)
    assert "vs_png_folder" in capsys.readouterr().out
    assert [file.name for file in tmp_path.iterdir()] == ["f.json"]


def test_the_draw_is_measured_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "KINDS", (("normal", 3, 0), ("tumor", 6, 6), ("test", 4, 2)))
    drawing.main(["--rows", "20000", "--json", str(tmp_path / "f.json")])
    values, _ = _figures(tmp_path / "f.json")
    assert 50 < values["draw out of 20,000 candidates: memory"] < 1000
