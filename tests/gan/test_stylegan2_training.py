"""A step of StyleGAN2: the papers' updates written out, the state it leaves, and that it learns."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from killable import OPTIONS, STYLEGAN2
from torch.nn import functional

from pathgen.core.seeding import torch_generator
from pathgen.gan.ada import INTERVAL
from pathgen.gan.checkpoint import load_discriminator, load_generator, save_gan
from pathgen.gan.generators.stylegan2.hyperparams import StyleGan2Recipe, ema_decay
from pathgen.gan.generators.stylegan2.sampling import drawer
from pathgen.gan.generators.stylegan2.trainer import Players
from pathgen.gan.loop import train_generator
from pathgen.gan.registry import GENERATORS
from pathgen.gan.result import TrainedGan
from pathgen.gan.synthesis import synthesise

CPU = torch.device("cpu")
PLAIN = replace(STYLEGAN2, r1_gamma=0.0, path_weight=0.0, mixing=0.0, ada_target=0.0)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def players(recipe: StyleGan2Recipe = STYLEGAN2, bf16: bool = False) -> Players:
    return Players(
        GENERATORS["stylegan2"],
        image_size=16,
        options=OPTIONS["stylegan2"],
        recipe=recipe,
        device=CPU,
        bf16=bf16,
        channels_last=True,
    )


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch_generator(9, step)
    return torch.rand(8, 3, 16, 16, generator=rng) * 2 - 1, torch.randn(8, 8, generator=rng)


def trained(recipe: StyleGan2Recipe, images: np.ndarray, **more: object) -> TrainedGan:
    return train_generator(
        images,
        architecture="stylegan2",
        options=OPTIONS["stylegan2"],
        recipe=recipe,
        device=CPU,
        precision="fp32",
        channels_last=True,
        snapshot_every_kimg=0.05,
        **more,  # type: ignore[arg-type]
    )


def test_a_plain_step_is_the_textbooks_two_updates() -> None:
    """Twin without penalties, mixing and augmentation: logistic losses, Adam, and the averaged copy."""
    pair, twin = players(PLAIN), players(PLAIN)
    generator, discriminator = twin.generator, twin.discriminator
    average = copy.deepcopy(generator)
    adam_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.0, 0.99))
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.0, 0.99))
    for step in range(3):
        real, latents = batch(step)
        told = pair.step(real, latents, number=step)
        w = generator.mapping(latents)
        generator.mapping.remember(w.detach())
        noise = generator.noise(8, torch_generator(1, "noise-maps", step))
        fake = generator(latents, noise)
        loss_d = functional.softplus(-discriminator(real)).mean()
        loss_d = loss_d + functional.softplus(discriminator(fake.detach())).mean()
        adam_d.zero_grad()
        loss_d.backward()
        adam_d.step()
        loss_g = functional.softplus(-discriminator(fake)).mean()
        adam_g.zero_grad()
        loss_g.backward()
        adam_g.step()
        decay = ema_decay(8 * step, batch_size=8, ema_kimg=0.1, ema_ramp=0.05)
        with torch.no_grad():
            for mean, own in zip(average.parameters(), generator.parameters(), strict=True):
                mean.copy_(decay * mean + (1 - decay) * own)
        assert told["gan/discriminator_loss"].item() == pytest.approx(loss_d.item(), rel=1e-3)
        assert told["gan/generator_loss"].item() == pytest.approx(loss_g.item(), rel=1e-3)
        assert set(told) == set(Players.statistics)
    for one, other in ((pair.generator, generator), (pair.average, average)):
        for name, tensor in other.named_parameters():
            torch.testing.assert_close(dict(one.named_parameters())[name], tensor, rtol=2e-2, atol=2e-3)


def test_penalties_come_in_their_turn_and_touch_one_network_each() -> None:
    pair = players()
    calls: list[tuple[str, int]] = []
    pair._penalise_discriminator = lambda real, number, given: calls.append(("r1", number))  # type: ignore[method-assign]
    pair._penalise_generator = lambda count, number, given: calls.append(("path", number))  # type: ignore[method-assign]
    for step in range(11):
        pair.step(*batch(step), number=step)
    assert [n for kind, n in calls if kind == "r1"] == [0, 5, 10]
    assert [n for kind, n in calls if kind == "path"] == [0, 4, 8]

    pair = players()
    before = [weights.clone() for weights in (*pair.generator.parameters(), *pair.discriminator.parameters())]
    pair._penalise_discriminator(batch(0)[0], 0, None)
    count = len(list(pair.generator.parameters()))
    after = [*pair.generator.parameters(), *pair.discriminator.parameters()]
    same = [torch.equal(one, other) for one, other in zip(before, after, strict=True)]
    assert all(same[:count]) and not all(same[count:])
    before = [weights.clone() for weights in after]
    pair._penalise_generator(4, 0, None)
    same = [torch.equal(one, other) for one, other in zip(before, after, strict=True)]
    assert not all(same[:count]) and all(same[count:])


def test_a_penalty_stands_for_the_steps_between() -> None:
    """R1's gradient is gamma / 2 * interval times that of the mean squared norm."""
    pair, twin = players(), players()
    real = batch(0)[0]
    pair._penalise_discriminator(real, 0, None)
    images = real.clone().requires_grad_(True)
    (at_images,) = torch.autograd.grad(twin.discriminator(images).sum(), images, create_graph=True)
    penalty = at_images.square().sum((1, 2, 3)).mean()
    assert pair._last.r1.item() == pytest.approx(penalty.item(), rel=1e-3)
    (penalty * (0.1 / 2 * 5)).backward()
    for one, other in zip(pair.discriminator.parameters(), twin.discriminator.parameters(), strict=True):
        if other.grad is not None:
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-5)


def test_lazy_optimisers_take_shorter_steps() -> None:
    pair = players()
    (group,) = pair._adam_generator.param_groups
    assert group["lr"] == pytest.approx(2e-3 * 4 / 5)
    assert group["betas"] == pytest.approx((0.0, 0.99 ** (4 / 5)))
    (group,) = pair._adam_discriminator.param_groups
    assert group["lr"] == pytest.approx(2e-3 * 5 / 6)
    assert players(PLAIN)._adam_generator.param_groups[0]["lr"] == 2e-3


def test_mixed_styles_are_early_ones_of_one_latent_and_late_ones_of_another() -> None:
    pair = players(replace(STYLEGAN2, mixing=0.5))
    latents = torch.randn(400, 8, generator=torch_generator(3))
    ws = pair._styles(latents, "mixing", 0, None)
    own = pair.generator.mapping(latents)
    is_own = (ws == own[:, None]).all(2)  # (400, styles)
    assert is_own[:, 0].all()
    assert (is_own.int().diff(dim=1) <= 0).all()
    mixed = ~is_own.all(1)
    assert mixed.float().mean().item() == pytest.approx(0.5, abs=0.08)
    places = is_own[mixed].sum(1)
    assert set(places.tolist()) == set(range(1, pair.generator.styles))
    assert (players(PLAIN)._styles(latents, "mixing", 0, None) == ws[:, :1]).all()


def test_a_sure_discriminator_raises_the_chance_of_augmentation() -> None:
    pair = players(replace(STYLEGAN2, lr_discriminator=1e-2, r1_gamma=0.0))
    told = [pair.step(*batch(0), number=step) for step in range(10 * INTERVAL)]
    chances = [one["gan/augment_chance"].item() for one in told]
    assert chances[0] == 0.0
    assert chances[-1] > 0.1
    assert told[-1]["gan/sign_real"].item() > 0.1


def test_bf16_trains_with_weights_in_float32() -> None:
    rough, exact = players(bf16=True), players()
    for step in range(2):
        told, close = rough.step(*batch(step), number=step), exact.step(*batch(step), number=step)
        loss = "gan/discriminator_loss"
        assert told[loss].item() == pytest.approx(close[loss].item(), rel=0.1)
        assert told[loss].item() != close[loss].item()
    assert {weights.dtype for weights in rough.generator.parameters()} == {torch.float32}
    assert rough.are_finite()


@pytest.mark.parametrize("stopped", [3, 7, 10])
def test_all_that_steps_change_is_in_the_state(stopped: int) -> None:
    recipe = replace(STYLEGAN2, ema_ramp=0.0)
    straight, killed, again = players(recipe), players(recipe), players(recipe)
    told = [straight.step(*batch(step), number=step) for step in range(12)]
    for step in range(stopped):
        killed.step(*batch(step), number=step)
    tensors, described = killed.state()
    again.restore({name: tensor.clone() for name, tensor in tensors.items()}, described)
    for step in range(stopped, 12):
        later = again.step(*batch(step), number=step)
        assert all(torch.equal(told[step][name], later[name]) for name in later)
    pairs = zip(straight.finished.state_dict().values(), again.finished.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    one, other = straight.state(), again.state()
    assert one[1] == other[1]
    assert one[0].keys() == other[0].keys()
    assert all(torch.equal(one[0][name], other[0][name]) for name in one[0])


def test_it_learns_where_a_single_image_is_bright() -> None:
    image = np.full((16, 16, 3), 40, dtype=np.uint8)
    image[:8, :8] = (220, 120, 180)
    rates = {"lr_generator": 5e-3, "lr_discriminator": 5e-3}
    recipe = replace(STYLEGAN2, kimg=0.8, augment="none", ada_target=0.0, **rates)
    result = trained(recipe, np.stack([image] * 8))
    assert list(result.history.columns) == ["kimg", *Players.statistics]
    assert np.isfinite(result.history.to_numpy()).all()
    (drawn,) = synthesise(result.generator, seed=1, count=64, batch_size=64, device=CPU)
    found = drawn.mean((0, 3))  # (H, W)
    assert found[:8, :8].mean() - (found[8:].mean() + found[:8, 8:].mean()) / 2 > 40


def test_what_was_saved_draws_the_same_after_loading(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    result = trained(replace(STYLEGAN2, kimg=0.08), images)
    save_gan(tmp_path / "model", result, {"label": "normal"})
    draw = drawer(truncation_psi=0.7, noise="random")

    def drawn(generator: torch.nn.Module, count: int, batch_size: int) -> np.ndarray:
        return np.concatenate(
            list(synthesise(generator, seed=3, count=count, batch_size=batch_size, device=CPU, draw=draw))
        )

    first = drawn(result.generator, 100, 100)
    loaded = load_generator(tmp_path / "model")
    assert np.array_equal(drawn(loaded, 70, 7), first[:70])
    assert len(np.unique(first, axis=0)) == 100
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        torch.testing.assert_close(
            load_discriminator(tmp_path / "model")(pixels), result.discriminator(pixels), rtol=1e-4, atol=1e-5
        )
