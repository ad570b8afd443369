"""The benchmark of GAN training runs, and writes what it measured."""

import json
from pathlib import Path

import pytest

from benchmarks import gan_training


# Torch's profiler tells on standard error that it starts.
@pytest.mark.pipeline  # seven processes that each load torch, and some torchvision
def test_training_is_measured_against_the_example(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    small = ["--batch", "4", "--seconds", "0.1", "--rounds", "1", "--width", "16", "--channel-base", "64"]
    gan_training.main([*small, "--json", str(file)])
    told = json.loads(file.read_text())
    values = {result["name"]: result["value"] for result in told["results"]}
    ratios = told["ratios"]
    ours = values["DCGAN, this suite"]
    assert ratios["dcgan_vs_example"] == pytest.approx(ours / values["DCGAN, example, PNG files"])
    assert ratios["dcgan_of_product_rate"] == pytest.approx(ours / values["DCGAN, at that rate"])
    drawn = values["drawing, this suite"] / values["drawing, plain float32"]
    assert ratios["synthesis_vs_fp32"] == pytest.approx(drawn)
    # Both GANs of the study: 2 x 35,008 patches x 400 epochs.
    assert values["both GANs of the study, this suite"] == pytest.approx(28_006_400 / ours / 60)
    # 11 passes, each through 3 layers of 2.1 million products, one of 0.8 million and a smaller one.
    assert values["DCGAN, operations per image"] == pytest.approx(2 * 11 * 0.0071, rel=0.1)
    # A pass through the generator, without the layer of the discriminator that sees the pixels.
    assert values["drawing, operations per image"] == pytest.approx(2 * 0.0071, rel=0.1)
    for name in ("DCGAN", "drawing"):
        assert sum(value for told, value in values.items() if told.startswith(f"{name}: ")) == pytest.approx(
            100
        )
