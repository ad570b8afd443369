"""The benchmark of a classifier's training runs, and writes what it measured."""

import json
from pathlib import Path

import pytest

from benchmarks import classifier_training


@pytest.mark.pipeline  # three processes that each load torch and torchvision
def test_the_training_is_measured_against_a_usual_script(tmp_path: Path) -> None:
    classifier_training.main(["--seconds", "0.1", "--rounds", "2", "--json", str(tmp_path / "f.json")])
    told = json.loads((tmp_path / "f.json").read_text())
    values = [result["value"] for result in told["results"]]
    assert told["ratios"]["six_layer_vs_imagefolder"] == pytest.approx(values[0] / values[1])
    # Not that it is below 1: on a busy machine the rate of the products may be taken at a worse moment.
    assert told["ratios"]["six_layer_vs_products_alone"] == pytest.approx(values[0] / values[-1])
