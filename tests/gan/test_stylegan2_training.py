"""A step of StyleGAN2: the papers' updates written out, the state it leaves, and that it learns."""

import copy

import pytest
import torch
from factories.gan import STYLEGAN2, batch, build_trainer, changed
from torch.nn import functional

from pathgen.core.seeding import torch_generator
from pathgen.gan.ada import INTERVAL
from pathgen.gan.generators.stylegan2.stylegan2_trainer import StyleGan2Trainer

PLAIN = changed(STYLEGAN2, r1_gamma=0.0, path_weight=0.0, mixing=0.0, ada_target=0.0)


def test_stylegan2_step_equals_two_plain_updates() -> None:
    """Twin without penalties, mixing and augmentation: logistic losses, Adam, and the averaged copy."""
    pair, twin = build_trainer(PLAIN), build_trainer(PLAIN)
    generator, discriminator = twin.pair.g, twin.pair.d
    average = copy.deepcopy(generator)
    adam_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.0, 0.99))
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.0, 0.99))
    for step in range(3):
        real, latents = batch(step)
        statistics = pair.step(real, latents, step=step)
        w = generator.mapping(latents)
        generator.mapping.update_mean(w.detach())
        noise = generator.noise(8, torch_generator(1, "noise-maps", step))
        fake = generator(latents, None, noise)
        loss_d = functional.softplus(-discriminator(real)).mean()
        loss_d = loss_d + functional.softplus(discriminator(fake.detach())).mean()
        adam_d.zero_grad()
        loss_d.backward()
        adam_d.step()
        loss_g = functional.softplus(-discriminator(fake)).mean()
        adam_g.zero_grad()
        loss_g.backward()
        adam_g.step()
        decay = PLAIN.ema_decay_at(step)
        with torch.no_grad():
            for mean, own in zip(average.parameters(), generator.parameters(), strict=True):
                mean.copy_(decay * mean + (1 - decay) * own)
        assert statistics["gan/discriminator_loss"].item() == pytest.approx(loss_d.item(), rel=1e-3)
        assert statistics["gan/generator_loss"].item() == pytest.approx(loss_g.item(), rel=1e-3)
        assert set(statistics) == set(StyleGan2Trainer.statistics)
    for one, other in ((pair.pair.g, generator), (pair.pair.g_ema, average)):
        for name, tensor in other.named_parameters():
            torch.testing.assert_close(dict(one.named_parameters())[name], tensor, rtol=2e-2, atol=2e-3)


def test_lazy_regularisation_has_its_interval_and_network() -> None:
    pair = build_trainer(STYLEGAN2)
    calls: list[tuple[str, int]] = []
    pair._penalise_discriminator = lambda real, step, c: calls.append(("r1", step))  # type: ignore[method-assign]
    pair._penalise_generator = lambda count, step, c: calls.append(("path", step))  # type: ignore[method-assign]
    for step in range(11):
        pair.step(*batch(step), step=step)
    assert [n for kind, n in calls if kind == "r1"] == [0, 5, 10]
    assert [n for kind, n in calls if kind == "path"] == [0, 4, 8]

    pair = build_trainer(STYLEGAN2)
    before = [weights.clone() for weights in (*pair.pair.g.parameters(), *pair.pair.d.parameters())]
    pair._penalise_discriminator(batch(0)[0], 0, None)
    count = len(list(pair.pair.g.parameters()))
    after = [*pair.pair.g.parameters(), *pair.pair.d.parameters()]
    same = [torch.equal(one, other) for one, other in zip(before, after, strict=True)]
    assert all(same[:count]) and not all(same[count:])
    before = [weights.clone() for weights in after]
    pair._penalise_generator(4, 0, None)
    same = [torch.equal(one, other) for one, other in zip(before, after, strict=True)]
    assert not all(same[:count]) and all(same[count:])


def test_lazy_regularisation_is_scaled_by_its_interval() -> None:
    """R1's gradient is gamma / 2 * interval times that of the mean squared norm."""
    pair, twin = build_trainer(STYLEGAN2), build_trainer(STYLEGAN2)
    real = batch(0)[0]
    pair._penalise_discriminator(real, 0, None)
    images = real.clone().requires_grad_(True)
    (at_images,) = torch.autograd.grad(twin.pair.d(images).sum(), images, create_graph=True)
    penalty = at_images.square().sum((1, 2, 3)).mean()
    assert pair._last.r1.item() == pytest.approx(penalty.item(), rel=1e-3)
    (penalty * (0.1 / 2 * 5)).backward()
    for one, other in zip(pair.pair.d.parameters(), twin.pair.d.parameters(), strict=True):
        if other.grad is not None:
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-5)


def test_lazy_optimisers_have_corrected_hyperparameters() -> None:
    pair = build_trainer(STYLEGAN2)
    (group,) = pair.pair.opt_g.param_groups
    assert group["lr"] == pytest.approx(2e-3 * 4 / 5)
    assert group["betas"] == pytest.approx((0.0, 0.99 ** (4 / 5)))
    (group,) = pair.pair.opt_d.param_groups
    assert group["lr"] == pytest.approx(2e-3 * 5 / 6)
    assert build_trainer(PLAIN).pair.opt_g.param_groups[0]["lr"] == 2e-3


def test_style_mixing_joins_early_and_late_styles() -> None:
    pair = build_trainer(changed(STYLEGAN2, mixing=0.5))
    latents = torch.randn(400, 8, generator=torch_generator(3))
    ws = pair._styles(latents, "mixing", 0, None)
    own = pair.pair.g.mapping(latents)
    is_own = (ws == own[:, None]).all(2)  # (400, styles)
    assert is_own[:, 0].all()
    assert (is_own.int().diff(dim=1) <= 0).all()
    mixed = ~is_own.all(1)
    assert mixed.float().mean().item() == pytest.approx(0.5, abs=0.08)
    places = is_own[mixed].sum(1)
    assert set(places.tolist()) == set(range(1, pair.pair.g.styles))
    assert (build_trainer(PLAIN)._styles(latents, "mixing", 0, None) == ws[:, :1]).all()


def test_ada_confident_discriminator_raises_the_probability() -> None:
    pair = build_trainer(changed(STYLEGAN2, lr_discriminator=1e-2, r1_gamma=0.0))
    statistics = [pair.step(*batch(0), step=step) for step in range(10 * INTERVAL)]
    chances = [one["gan/augment_chance"].item() for one in statistics]
    assert chances[0] == 0.0
    assert chances[-1] > 0.1
    assert statistics[-1]["gan/sign_real"].item() > 0.1


@pytest.mark.parametrize("stopped", [3, 10])
def test_stylegan2_state_holds_all_that_steps_change(stopped: int) -> None:
    recipe = changed(STYLEGAN2, ema_ramp=0.0)
    straight, killed, again = build_trainer(recipe), build_trainer(recipe), build_trainer(recipe)
    statistics = [straight.step(*batch(step), step=step) for step in range(12)]
    for step in range(stopped):
        killed.step(*batch(step), step=step)
    again.pair.restore(copy.deepcopy(killed.pair.state()))
    for step in range(stopped, 12):
        later = again.step(*batch(step), step=step)
        assert all(torch.equal(statistics[step][name], later[name]) for name in later)
    torch.testing.assert_close(again.pair.state(), straight.pair.state(), rtol=0.0, atol=0.0)
