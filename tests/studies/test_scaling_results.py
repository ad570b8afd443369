"""Results of the scaling study: files, conclusions and plot from given points."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pathgen.studies.scaling.curves import Curve
from pathgen.studies.scaling.equivalence import Equivalence
from pathgen.studies.scaling.scaling_results import CONCLUSIONS, rounded, write_results
from pathgen.webpage.rendering import template

MACROS: Any = template(CONCLUSIONS).make_module(
    {"analyses": [], "failed": [], "rounded": rounded, "infinity": math.inf}
)
MADE_FROM = {"patches/test/patches.npy": "sha256:1"}


def rows_of_points(floor: float) -> list[dict[str, Any]]:
    """Return points of an original curve, and of one whose error does not fall below `floor`."""
    rng = np.random.default_rng(5)
    rows = []
    for source, lowest, sizes in (
        ("original", 0.02, (10, 30, 100, 300, 1000)),
        ("dcgan", floor, (1, 10, 30, 100, 300, 1000, "unlimited")),
    ):
        for size in sizes:
            for seed in (1, 2, 3):
                count = 4000 if size == "unlimited" else int(size)
                error = float(min(0.5, 0.9 * count**-0.45 + lowest) + rng.normal(0, 0.004))
                place = {"source": source, "size": str(size), "classifier": "cnn6", "seed": seed}
                found = {"error": error, "roc_auc": 1 - error, "guessing": 0.5, "n": 1200}
                health = {"converged": True, "training_seed": seed}
                rows.append({**place, "per_class": count, "health": health, **found})
    return rows


def build(folder: Path, floor: float) -> Path:
    folder.mkdir(exist_ok=True)
    write_results(rows_of_points(floor), folder, confidence=0.95, bootstrap=100, made_from=MADE_FROM)
    return folder


def test_write_results_originals_not_equalled(tmp_path: Path) -> None:
    folder = build(tmp_path, floor=0.1)
    summary = json.loads((folder / "summary.json").read_text())
    text = " ".join(summary["sentences"])
    assert "1,000 original patches per class" in text and "4,000" in text
    assert summary["made_from"] == MADE_FROM
    (figure,) = summary["figures"]
    assert figure["file"] == "curve.svg" and summary["sentences"][-1] in figure["caption"]
    facts = json.loads((folder / "fit.json").read_text())["dcgan cnn6"]
    assert facts["law"]["left_out"] == [1.0]
    assert facts["law"]["c"]["low"] < 0.1 < facts["law"]["c"]["high"]
    assert facts["equals_original"][-1]["synthetic"] == "infinite"
    assert b"<svg" in (folder / "curve.svg").read_bytes()
    assert len((folder / "curve.csv").read_text().splitlines()) == 1 + 5 + 7


def test_write_results_originals_equalled(tmp_path: Path) -> None:
    (one, *_) = json.loads((build(tmp_path, floor=0.02) / "fit.json").read_text())["dcgan cnn6"][
        "equals_original"
    ]
    assert one["reached"] and one["low"] <= one["synthetic"] <= one["high"]


def test_write_results_same_points_give_the_same_bytes(tmp_path: Path) -> None:
    first, again = build(tmp_path / "a", floor=0.02), build(tmp_path / "b", floor=0.02)
    for name in ("curve.csv", "fit.json", "summary.json", "curve.svg"):
        assert (first / name).read_bytes() == (again / name).read_bytes(), name


@pytest.mark.parametrize(
    ("low", "synthetic", "high", "parts"),
    [
        (300, 300, 300, ["at most 300 patches", "CI: at most 300)"]),
        (300, 300, 450, ["at most 300 patches", "CI: at most 300 to 450)"]),
        (300, 300, math.inf, ["at most 300 patches", "CI: any number)"]),
        (300, 400, 450, ["by 400 patches", "CI: at most 300 to 450)"]),
        (380, 400, math.inf, ["by 400 patches", "CI: at least 380)"]),
    ],
)
def test_equal_sentence_states_number_and_interval(
    low: float, synthetic: float, high: float, parts: list[str]
) -> None:
    curve = Curve("dcgan", "cnn6", {3000.0: np.array([0.1])}, None, test_patches=100, guessing=0.5)
    equal = Equivalence(100, 0.2, synthetic, low, high, smallest=300, reached=True)
    assert all(part in str(MACROS.equal(curve, equal, "95%")) for part in parts)
    beyond = str(MACROS.equal(curve, replace(equal, synthetic=5000.0, reached=False), "95%"))
    assert "5,000" in beyond and ("any number" if low == 300 else "at least 380") in beyond


def test_largest_sentence_is_about_the_largest_size() -> None:
    def curve(source: str, errors: dict[float, float]) -> Curve:
        found = {size: np.array([error, error]) for size, error in errors.items()}
        return Curve(source, "cnn6", found, unlimited=None, test_patches=100, guessing=0.5)

    synthetic = curve("dcgan", {10.0: 0.4, 100.0: 0.2, 3000.0: 0.25})
    text = str(MACROS.largest(synthetic, curve("original", {10.0: 0.1, 1000.0: 0.15})))
    assert all(part in text for part in ("3,000", "0.250", "1,000", "0.150"))
