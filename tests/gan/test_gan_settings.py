"""Settings of recipes: discovery, the paper's values, and what is refused."""

from typing import Any

import pytest
from factories.gan import JOINT, RECIPES

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.params import parse_section, read_params
from pathgen.gan import generators
from pathgen.gan.generators.interface import Study
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings


def section(**recipes: dict[str, Any]) -> TrainGanSettings:
    content = {"seed": 123, "augment": "none", "snapshot_every_kimg": 200.0, "generators": recipes}
    return parse_section({"train_gan": content}, "train_gan", TrainGanSettings)


def test_names_lists_the_modules_of_the_folder() -> None:
    assert generators.names() == sorted(RECIPES)


@pytest.mark.parametrize("network", generators.names())
def test_generator_has_the_settings_of_its_network(network: str) -> None:
    spec = generators.load(network)
    settings = section(own=RECIPES[network]).recipe("own")
    assert type(settings) is spec.settings
    assert settings.steps == -(-settings.kimg * 1000 // settings.batch_size)
    assert spec.description
    spec.sampler(spec.sampling())


def test_recipe_without_seed_and_augment_takes_those_of_the_section() -> None:
    shared = {name: value for name, value in RECIPES["dcgan"].items() if name not in ("seed", "augment")}
    settings = section(a=shared, b=shared | {"seed": 7})
    assert (settings.recipe("a").seed, settings.recipe("a").augment) == (123, "none")
    assert settings.recipe("b").seed == 7


def test_base_profile_dcgan_has_the_published_values() -> None:
    profile = read_params(generators._FOLDER.parents[2] / "profiles" / "base.yaml")
    dcgan = profile["train_gan"]["generators"]["dcgan"]
    assert section(dcgan=dcgan).recipe("dcgan").steps == 54_700
    assert (dcgan["width"], dcgan["batch_size"], dcgan["ema_decay"]) == (64, 256, 0.0)


@pytest.mark.parametrize("name", ["DCGAN", "a b", "../up", "a--b", ""])
def test_recipe_name_unfit_for_a_path_is_refused(name: str) -> None:
    with pytest.raises(PathgenErrors, match=r"train_gan\.generators"):
        section(**{name: RECIPES["dcgan"]})


def test_recipe_unknown_name_or_network_is_refused() -> None:
    settings = section(dcgan=RECIPES["dcgan"], other={"network": "diffusion"})
    with pytest.raises(PathgenError, match=r"train_gan\.generators\.wgan"):
        settings.recipe("wgan")
    with pytest.raises(PathgenError, match=r"train_gan\.generators\.other\.network: is 'diffusion'"):
        settings.recipe("other")


@pytest.mark.parametrize(
    ("network", "name", "value"),
    [
        ("stylegan2", "r1_interval", 0),
        ("stylegan2", "mixing", 1.1),
        ("stylegan2", "ada_target", 1.0),
        ("stylegan2", "channel_base", 0),
        ("dcgan", "kimg", 0.0),
        ("dcgan", "batch_size", 1),
        ("dcgan", "lr_generator", -1.0),
        ("dcgan", "real_target", 0.4),
        ("dcgan", "ema_decay", 1.0),
        ("dcgan", "beta1", 1.0),
        ("dcgan", "width", "64"),
        ("dcgan", "depth", 3),
        ("dpdcgan", "target_epsilon", 0.0),
        ("dpdcgan", "target_delta", 1.0),
        ("dpdcgan", "discriminator_width", 6),
    ],
)
def test_recipe_value_out_of_range_is_refused(network: str, name: str, value: object) -> None:
    with pytest.raises(PathgenErrors, match=rf"train_gan\.generators\.own\.{name}: is "):
        section(own=RECIPES[network] | {name: value}).recipe("own")


@pytest.mark.parametrize(
    ("network", "changes", "reason"),
    [
        ("dpdcgan", {"patches_per_unit": 4}, "patches_per_unit"),
        ("dpdcgan", {"unit": "patient", "patches_per_unit": 3}, "patches_per_unit"),
        ("dcgan", {**JOINT, "ramp_share": 0.8}, "ramp_share"),
    ],
)
def test_recipe_values_that_contradict_are_refused(
    network: str, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(PathgenErrors, match=reason):
        section(own=RECIPES[network] | changes).recipe("own")


@pytest.mark.parametrize(
    ("network", "changes", "fields"),
    [
        ("dcgan", {}, []),
        ("dcgan", JOINT, []),
        ("dpdcgan", {}, []),
        ("dpdcgan", {"batch_size": 1024}, ["batch_size"]),
        ("dpdcgan", {"unit": "patient"}, ["unit"]),
        ("dpdcgan", {"conditioning": "joint"}, ["conditioning"]),
    ],
)
def test_problems_names_what_does_not_fit_the_study(
    network: str, changes: dict[str, Any], fields: list[str]
) -> None:
    settings = section(own=RECIPES[network] | changes).recipe("own")
    found = settings.problems(Study(train_patches=1000, slides_known=False))
    assert [field for field, _, _ in found] == fields


def test_synthesise_settings_sampling_may_be_absent() -> None:
    content = {"seed": 1, "per_class": 35008, "batch_size": 256, "best_of": 1}
    assert parse_section({"synthesise": content}, "synthesise", SynthesiseSettings).sampling == {}
