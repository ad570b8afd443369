"""One generator for all labels: how labels enter, when, and that each is drawn as it was learned."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from factories.gan import CPU, changed, hook_steps, recipe, same_weights, train

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import torch_generator
from pathgen.gan import generators
from pathgen.gan.conditioning import ClassCondition, ClassShift, class_logits
from pathgen.gan.dataset import of_label
from pathgen.gan.export import save_training
from pathgen.gan.gan_checkpoint import TrainedGan, load_discriminator, load_meta
from pathgen.gan.loaded_generator import load_generator
from pathgen.gan.synthesis import discriminator_scores, synthesise
from pathgen.patches.store import PatchSet

SHARES = {"conditioning": "joint", "unconditional_share": 0.2, "ramp_share": 0.2}
RECIPES = {
    "dcgan": recipe("dcgan", **SHARES, kimg=1.6, lr_generator=2e-3, lr_discriminator=1e-3, ema_decay=0.9),
    "stylegan2": recipe(
        "stylegan2",
        **SHARES,
        kimg=1.6,
        lr_generator=5e-3,
        lr_discriminator=5e-3,
        r1_gamma=0.02,
        path_weight=0.0,
        ada_target=0.0,
    ),
}


def patches(count: int, seed: int) -> PatchSet:
    """Dark patches labelled normal and bright ones labelled tumor, with a little noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.integers(0, 40, (count, 16, 16, 3)) + np.where(labels, 190, 30)[:, None, None, None]
    index = pd.DataFrame({"label": np.array(["normal", "tumor"])[labels], "patient": "a", "slide": "s"})
    return PatchSet(images.astype(np.uint8), index)


def trained(settings: Any, **options: Any) -> TrainedGan:
    data = of_label(patches(48, 1), patches(20, 2), None, slides_known=False)
    return train(settings, data, **{"snapshot_every_kimg": 0.04} | options)


def test_strength_rises_from_zero_to_one() -> None:
    settings = changed(RECIPES["dcgan"], kimg=0.8, unconditional_share=0.25, ramp_share=0.5)
    weights = [settings.condition_weight(step) for step in (0, 25, 50, 75, 99)]
    assert weights == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert changed(settings, unconditional_share=0.0, ramp_share=0.0).condition_weight(1) == 1.0


def test_class_shift_is_the_embedding_times_the_strength() -> None:
    shift = ClassShift(3, 4, 2)
    with torch.no_grad():
        shift.directions.copy_(torch.arange(12.0).reshape(3, 4))
    latents, labels = torch.randn(2, 4, generator=torch_generator(1)), torch.tensor([1, 0])
    moved = shift(latents, ClassCondition(labels, 0.5))
    torch.testing.assert_close(moved[0], latents[0] + torch.tensor([2.0, 2.5, 3.0, 3.5]))
    torch.testing.assert_close(moved[1], latents[1] + torch.tensor([0.0, 0.5, 1.0, 1.5]))
    torch.testing.assert_close(shift(latents, None), latents + torch.tensor([8.0, 9.0, 10.0, 11.0]))


# Of `GENERATORS`, those that can learn several classes at once.
JOINT = ["dcgan", "stylegan2"]


def test_projection_logit_is_the_sum_of_both_terms() -> None:
    outputs = torch.tensor([[1.0, 10.0, 20.0], [2.0, 30.0, 40.0]])
    assert class_logits(outputs, 0, ClassCondition(torch.tensor([1, 0]), 0.5)).tolist() == [11.0, 17.0]
    assert class_logits(outputs, 1, None).tolist() == [21.0, 42.0]
    assert class_logits(outputs[:, :1], 0, None).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("name", JOINT)
def test_unconditional_networks_have_no_class_parameters(name: str) -> None:
    spec = generators.load(name)
    settings = recipe(name)
    for which, more in ((0, 1), (1, 0)):
        plain = spec.networks(settings, 16)[which].state_dict()
        state = spec.networks(settings, 16, classes=2, label=1)[which].state_dict()
        assert len(state) - len(plain) == more
        assert [name for name in plain if "directions" in name] == []


@pytest.mark.parametrize("name", JOINT)
def test_class_affects_outputs_only_through_the_strength(name: str) -> None:
    spec = generators.load(name)
    generator, discriminator = spec.networks(recipe(name), 16, classes=2)
    for network in (generator, discriminator):
        spec.init_weights(network, 1)
        network.eval()
    latents = torch.randn(2, 8, generator=torch_generator(2))
    draw, rng = spec.sampler(spec.sampling()), torch_generator(3)
    state = rng.get_state()

    def both(label: int, strength: float) -> tuple[torch.Tensor, torch.Tensor]:
        c = ClassCondition(torch.full((2,), label), strength)
        rng.set_state(state)
        images = draw(generator, latents, rng, c)
        return images, discriminator(torch.ones(2, 3, 16, 16), c)

    for one, other in zip(both(0, 0.0), both(1, 0.0), strict=True):
        assert torch.equal(one, other)
    for one, other in zip(both(0, 1.0), both(1, 1.0), strict=True):
        assert not torch.allclose(one, other)
    rng.set_state(state)
    assert torch.equal(draw(generator, latents, rng), both(0, 1.0)[0])


@pytest.fixture(scope="module", params=JOINT)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("joint")
    models = {label: root / label for label in ("normal", "tumor")}
    save_training(trained(RECIPES[request.param]), models, root / "results")
    return request.param, root


def test_joint_generator_samples_each_label_as_trained(kept: tuple[str, Path]) -> None:
    name, root = kept
    spec = generators.load(name)
    draw = spec.sampler(spec.sampling())
    means = {}
    for label in ("normal", "tumor"):
        generator = load_generator(root / label).network
        (drawn,) = synthesise(generator, seed=1, count=64, device=CPU, sampler=draw)
        means[label] = drawn.mean((1, 2, 3))
    # Originals: about 50 and 210.
    assert means["tumor"].mean() - means["normal"].mean() > 30


def test_joint_discriminator_prefers_the_label_it_is_loaded_for(kept: tuple[str, Path]) -> None:
    _, root = kept
    dark, bright = (patches(60, 3).of_label(label).images for label in ("normal", "tumor"))
    as_normal, as_tumor = (
        [
            discriminator_scores(load_discriminator(root / label), images, CPU).mean()
            for images in (dark, bright)
        ]
        for label in ("normal", "tumor")
    )
    assert as_normal[0] - as_tumor[0] > 0 > as_normal[1] - as_tumor[1]


def test_joint_training_writes_both_labels_and_one_history(kept: tuple[str, Path]) -> None:
    name, root = kept
    for number, label in enumerate(("normal", "tumor")):
        card = load_meta(root / label)
        assert (card.settings.network, card.label_index, card.classes) == (name, number, 2)
        assert card.model_dump()["label"] == label
        assert card.settings.unconditional_share == 0.2
    weights = [(root / label / "generator.safetensors").read_bytes() for label in ("normal", "tumor")]
    assert weights[0] == weights[1]
    assert len(pd.read_csv(root / "results" / "overfitting.csv")) == 20


def test_joint_training_resumed_keeps_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = recipe("dcgan", **SHARES, kimg=0.16)
    seen: list[tuple[int, float]] = []

    def look(step: int, real: torch.Tensor, z: torch.Tensor, c: ClassCondition) -> None:
        if len(seen) == 13:
            raise KeyboardInterrupt
        # The labels are those of the originals: bright ones are of class 1.
        assert torch.equal((real.mean((1, 2, 3)) > 0).long(), c.labels)
        seen.append((step, c.weight))

    hook_steps(monkeypatch, look)
    with pytest.raises(KeyboardInterrupt):
        trained(settings, resume_folder=tmp_path)
    seen.clear()
    resumed = trained(settings, resume_folder=tmp_path)
    assert seen == [(step, 1.0) for step in range(10, 20)]
    monkeypatch.undo()
    straight = trained(settings)
    assert same_weights(resumed.generator, straight.generator)
    assert resumed.overfitting.equals(straight.overfitting)
    with pytest.raises(PathgenError, match=r"recipe\.ramp_share was 0\.2, is 0\.1"):
        trained(changed(settings, ramp_share=0.1), resume_folder=tmp_path)


def test_single_label_training_reads_patches_of_that_label() -> None:
    train_set, held_out = patches(30, 1), patches(20, 2)
    one = of_label(train_set, held_out, "tumor", slides_known=True)
    assert one.labels is None and one.classes == 0
    assert one.images.min() > 150 and one.held_out.min() > 150
    both = of_label(train_set, held_out, None, slides_known=True)
    assert both.labels is not None
    assert np.array_equal(both.labels, (both.images.mean((1, 2, 3)) > 128).astype(int))
    assert len(both.images) == 30 and len(both.held_out) == 20
