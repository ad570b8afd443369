"""A trained pair on disk: what comes back is what was saved, and what does not fit is refused."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from factories.gan import RECIPES, changed, recipe, same_weights
from factories.training import HEALTHY

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import torch_generator
from pathgen.gan import generators
from pathgen.gan.gan_checkpoint import TrainedGan, load_discriminator, load_meta, load_networks, save_gan
from pathgen.gan.generators.interface import GeneratorSettings

SETTINGS = recipe("dcgan", latent_dim=5)


def pair(settings: GeneratorSettings = SETTINGS, **meta: object) -> TrainedGan:
    spec = generators.load(settings.network)
    g, d = spec.initialised(settings, 16)
    d(g(torch.randn(8, 5, generator=torch_generator(2))))  # Running statistics.
    for network in (g, d):
        network.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    facts = {"network": settings.network, "recipe": settings.model_dump(), "classes": 0, "images": 3}
    return TrainedGan(16, g, d, pd.DataFrame(), pd.DataFrame(), [], facts | meta, HEALTHY)


def load_generator(folder: Path) -> torch.nn.Module:
    return load_networks(folder, load_meta(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_gan(tmp_path / "dcgan-normal", pair(), "normal")
    return tmp_path / "dcgan-normal"


@pytest.mark.parametrize("network", RECIPES)
def test_gan_checkpoint_round_trip_is_exact(network: str, tmp_path: Path) -> None:
    settings = recipe(network, latent_dim=5)
    trained = pair(settings)
    save_gan(tmp_path, trained, "normal")
    images = trained.generator(torch.randn(4, 5, generator=torch_generator(1)))
    assert same_weights(load_generator(tmp_path), trained.generator)
    assert same_weights(load_discriminator(tmp_path), trained.discriminator)
    torch.testing.assert_close(load_discriminator(tmp_path)(images), trained.discriminator(images))
    assert not load_generator(tmp_path).training
    card = load_meta(tmp_path)
    assert (card.settings, card.image_size, card.classes) == (settings, 16, 0)
    facts = card.model_dump()
    assert (facts["label"], facts["images"]) == ("normal", 3)
    assert facts["parameters"]["generator"] == sum(w.numel() for w in trained.generator.parameters())


def test_gan_checkpoint_bytes_do_not_depend_on_the_folder(folder: Path, tmp_path: Path) -> None:
    save_gan(tmp_path / "other", pair(), "normal")
    files = sorted(path.name for path in folder.iterdir())
    assert files == ["discriminator.safetensors", "generator.safetensors", "model.json"]
    assert all((folder / name).read_bytes() == (tmp_path / "other" / name).read_bytes() for name in files)


def cut_off(folder: Path) -> None:
    path = folder / "generator.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def edit(folder: Path, **changes: object) -> None:
    """Change model.json; `width` and `depth` are settings of the recipe."""
    meta = json.loads((folder / "model.json").read_text())
    network = changes.pop("network", meta["network"])
    meta |= {"network": network, "recipe": meta["recipe"] | changes}
    (folder / "model.json").write_text(json.dumps(meta))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_off, r"generator\.safetensors: damaged"),
        (partial(edit, width=16), r"generator\.safetensors: does not fit the network in \d+ tensors"),
        (partial(edit, depth=16), r"model\.json: recipe\.depth: is 16"),
        (partial(edit, network="diffusion"), r"model\.json: network: is 'diffusion'"),
        (lambda folder: (folder / "model.json").write_text("{"), r"model\.json: not readable as JSON"),
        (lambda folder: (folder / "model.json").write_text("{}"), r"model\.json: network: Field required"),
        (lambda folder: (folder / "model.json").unlink(), r"model\.json: no such file"),
        (
            lambda folder: (folder / "generator.safetensors").unlink(),
            r"generator\.safetensors: cannot be read",
        ),
    ],
)
def test_gan_checkpoint_mismatch_is_refused(
    folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(folder)
    with pytest.raises(PathgenError, match=message) as caught:
        load_generator(folder)
    assert "\n" not in str(caught.value)


def test_gan_checkpoint_failed_save_keeps_the_older_pair(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ValueError, match="Out of range float"):
        save_gan(folder, pair(changed(SETTINGS, seed=2), loss=np.nan), "normal")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["dcgan-normal"]
