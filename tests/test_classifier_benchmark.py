"""The benchmark of a classifier's training runs, and writes what it measured."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import classifier_training


@pytest.mark.pipeline  # three processes that each load torch and torchvision
def test_the_training_is_measured_against_a_usual_script(tmp_path: Path) -> None:
    classifier_training.main(["--seconds", "0.1", "--rounds", "2", "--json", str(tmp_path / "f.json")])
    told = json.loads((tmp_path / "f.json").read_text())
    values = [result["value"] for result in told["results"]]
    assert told["ratios"]["six_layer_vs_imagefolder"] == pytest.approx(values[0] / values[1])
    assert told["ratios"]["six_layer_vs_imagefolder_same_network"] == pytest.approx(values[0] / values[3])
    # Not that it is below 1: on a busy machine the rate of the products may be taken at a worse moment.
    assert told["ratios"]["six_layer_vs_products_alone"] == pytest.approx(values[0] / values[-1])


def test_the_usual_scripts_network_is_the_same_function() -> None:
    plain, ours = classifier_training.as_published(), classifier_training.from_this_suite()
    names = dict(zip(plain.state_dict(), ours.state_dict().values(), strict=True))
    plain.load_state_dict(names)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    assert torch.equal(plain(images), ours(images))
