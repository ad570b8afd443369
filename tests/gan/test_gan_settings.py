"""The settings of generators: the paper's values pass, impossible ones are named."""

import subprocess
import sys

import pytest

from pathgen.compute_settings import ComputeSettings
from pathgen.errors import PathgenErrors
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings
from pathgen.params import parse_section

PAPER_DCGAN = {
    "width": 64,
    "latent_dim": 100,
    "batch_size": 256,
    "kimg": 14003.2,
    "lr_generator": 0.0002,
    "lr_discriminator": 0.0002,
    "beta1": 0.5,
    "beta2": 0.999,
    "real_target": 1.0,
    "ema_decay": 0.0,
}
PAPER = {"seed": 123, "augment": "none", "snapshot_every_kimg": 200.0, "dcgan": PAPER_DCGAN}


def test_the_papers_values_pass() -> None:
    settings = parse_section({"train_gan": PAPER}, "train_gan", TrainGanSettings)
    assert settings.dcgan.options == {"width": 64, "latent_dim": 100}
    parse_section(
        {"synthesise": {"seed": 1, "per_class": 35008, "batch_size": 256}}, "synthesise", SynthesiseSettings
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kimg", 0.0),
        ("batch_size", 1),
        ("lr_generator", -1.0),
        ("real_target", 0.4),
        ("ema_decay", 1.0),
        ("beta1", 1.0),
        ("width", "64"),
    ],
)
def test_impossible_values_are_named(name: str, value: object) -> None:
    section = {**PAPER, "dcgan": {**PAPER_DCGAN, name: value}}
    with pytest.raises(PathgenErrors, match=rf"train_gan\.dcgan\.{name}: is "):
        parse_section({"train_gan": section}, "train_gan", TrainGanSettings)


def test_compute_settings_know_their_words() -> None:
    good = {"device": "auto", "threads": 0, "precision": "fp32", "channels_last": True}
    assert parse_section({"compute": good}, "compute", ComputeSettings).threads == 0
    with pytest.raises(PathgenErrors, match=r"compute\.precision"):
        parse_section({"compute": {**good, "precision": "fp16"}}, "compute", ComputeSettings)


def test_settings_import_nothing_heavy() -> None:
    code = "import sys, pathgen.gan.settings, pathgen.compute_settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
