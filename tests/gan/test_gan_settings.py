"""The settings of generators: the paper's values pass, impossible ones are named."""

import inspect
import subprocess
import sys

import pytest

from pathgen.core.errors import PathgenErrors
from pathgen.core.params import parse_section
from pathgen.gan.registry import GENERATORS
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings, networks_of
from pathgen.run_matrix import JOINT, PER_CLASS
from pathgen.training.settings import ComputeSettings

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
PAPER_STYLEGAN2 = {
    "channel_base": 16384,
    "channel_max": 512,
    "latent_dim": 512,
    "mapping_layers": 8,
    "minibatch_group": 4,
    "batch_size": 64,
    "kimg": 25000.0,
    "lr_generator": 0.0025,
    "lr_discriminator": 0.0025,
    "beta1": 0.0,
    "beta2": 0.99,
    "r1_gamma": 0.0128,
    "r1_interval": 16,
    "path_weight": 2.0,
    "path_interval": 4,
    "path_decay": 0.01,
    "mixing": 0.9,
    "ema_kimg": 20.0,
    "ema_ramp": 0.05,
    "ada_target": 0.6,
    "ada_kimg": 500.0,
}
DPDCGAN = {
    "unit": "patch",
    "target_epsilon": 10.0,
    "target_delta": 1e-5,
    "max_grad_norm": 1.0,
    "patches_per_unit": 1,
    "width": 64,
    "latent_dim": 100,
    "discriminator_width": 16,
    "batch_size": 256,
    "kimg": 100.0,
    "discriminator_steps": 3,
    "lr_generator": 0.0002,
    "lr_discriminator": 0.0002,
    "beta1": 0.5,
    "beta2": 0.999,
    "real_target": 0.9,
    "ema_decay": 0.99,
    "secret_file": None,
}
PAPER = {
    "seed": 123,
    "augment": "none",
    "snapshot_every_kimg": 200.0,
    "conditional": {"unconditional_share": 0.3, "ramp_share": 0.2},
    "dcgan": PAPER_DCGAN,
    "stylegan2": PAPER_STYLEGAN2,
    "dpdcgan": DPDCGAN,
}
DRAWING = {"truncation_psi": 1.0, "noise": "random"}


def test_the_papers_values_pass() -> None:
    settings = parse_section({"train_gan": PAPER}, "train_gan", TrainGanSettings)
    assert settings.dcgan.options == {"width": 64, "latent_dim": 100}
    synthesise = {"seed": 1, "per_class": 35008, "batch_size": 256, "best_of": 1, "stylegan2": DRAWING}
    drawing = parse_section({"synthesise": synthesise}, "synthesise", SynthesiseSettings)
    assert drawing.drawing("stylegan2") == DRAWING
    assert drawing.drawing("dcgan") == {}


@pytest.mark.parametrize("generator", GENERATORS)
def test_settings_fit_what_they_are_handed_to(generator: str) -> None:
    """As the stages do: options to the builders, all else to the recipe, and drawing to the drawer."""
    built = GENERATORS[generator]
    own = getattr(parse_section({"train_gan": PAPER}, "train_gan", TrainGanSettings), generator)
    recipe = built.recipe(**own.recipe(1000), augment="d4", seed=1)
    assert recipe.steps == -(-own.kimg * 1000 // own.batch_size)
    for build in (inspect.signature(built.generator), inspect.signature(built.discriminator)):
        assert set(build.parameters) - {"classes", "label"} == {"image_size", *own.options}
    synthesise = {"seed": 1, "per_class": 1, "batch_size": 1, "best_of": 1, "stylegan2": DRAWING}
    built.drawer(**SynthesiseSettings(**synthesise).drawing(generator))


@pytest.mark.parametrize("generator", [*PER_CLASS, *JOINT])
def test_every_generator_of_the_pipeline_has_networks_and_settings(generator: str) -> None:
    settings = parse_section({"train_gan": PAPER}, "train_gan", TrainGanSettings)
    assert networks_of(generator) in GENERATORS
    assert settings.of(generator) is getattr(settings, generator.removeprefix("c"))


def test_a_replicate_has_the_settings_of_its_kind_and_a_seed_of_its_own() -> None:
    settings = parse_section({"train_gan": PAPER}, "train_gan", TrainGanSettings)
    assert networks_of("cdcgan.2") == "dcgan"
    assert settings.of("dcgan.2") is settings.dcgan
    assert settings.seed_of("dcgan") == settings.seed
    assert len({settings.seed_of(name) for name in ("dcgan", "dcgan.2", "dcgan.3")}) == 3


@pytest.mark.parametrize(
    ("name", "value"), [("r1_interval", 0), ("mixing", 1.1), ("ada_target", 1.0), ("channel_base", 0)]
)
def test_impossible_values_of_stylegan2_are_named(name: str, value: object) -> None:
    section = {**PAPER, "stylegan2": {**PAPER_STYLEGAN2, name: value}}
    with pytest.raises(PathgenErrors, match=rf"train_gan\.stylegan2\.{name}: is "):
        parse_section({"train_gan": section}, "train_gan", TrainGanSettings)


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


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"patches_per_unit": 4}, "patches_per_unit must be 1"),
        ({"unit": "patient", "patches_per_unit": 3}, "multiple of patches_per_unit"),
        ({"target_epsilon": 0.0}, "target_epsilon"),
        ({"target_delta": 1.0}, "target_delta"),
        ({"discriminator_width": 6}, "discriminator_width"),
    ],
)
def test_impossible_values_of_a_private_training_are_named(changed: dict[str, object], reason: str) -> None:
    section = {**PAPER, "dpdcgan": {**DPDCGAN, **changed}}
    with pytest.raises(PathgenErrors, match=reason):
        parse_section({"train_gan": section}, "train_gan", TrainGanSettings)


def test_a_private_training_knows_its_units() -> None:
    own = parse_section({"train_gan": PAPER}, "train_gan", TrainGanSettings).of("dpdcgan.2")
    assert own.recipe(7)["units"] == 7


def test_compute_settings_know_their_words() -> None:
    good = {"device": "auto", "threads": 0, "precision": "fp32", "channels_last": True}
    assert parse_section({"compute": good}, "compute", ComputeSettings).threads == 0
    with pytest.raises(PathgenErrors, match=r"compute\.precision"):
        parse_section({"compute": {**good, "precision": "fp16"}}, "compute", ComputeSettings)


def test_settings_import_nothing_heavy() -> None:
    code = "import sys, pathgen.gan.settings, pathgen.training.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
