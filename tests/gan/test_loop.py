"""Training: what a step may change, what is logged, what is refused, and that a kill changes nothing."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from factories.gan import (
    CPU,
    RECIPES,
    batch,
    build_trainer,
    changed,
    dataset,
    hook_steps,
    recipe,
    same_weights,
    stored,
    train,
)
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.gan import generators, loop
from pathgen.gan.adversarial_trainer import (
    STATISTICS,
    AdversarialTrainer,
    update_discriminator,
    update_generator,
)
from pathgen.gan.gan_checkpoint import TrainedGan
from pathgen.gan.nn_ops import frozen
from pathgen.gan.synthesis import synthesise

RECIPE = recipe("dcgan", kimg=0.16, real_target=1.0, ema_decay=0.0, augment="none")


def stripes(count: int = 24) -> NDArray[np.uint8]:
    """Easy images: a bright stripe at one of several heights on a dark ground."""
    images = np.full((count, 16, 16, 3), 40, dtype=np.uint8)
    for number in range(count):
        images[number, number % 12 : number % 12 + 4] = (220, 120, 180)
    return images


def trained(settings: Any = RECIPE, images: NDArray[np.uint8] | None = None, **options: Any) -> TrainedGan:
    data = dataset(stripes() if images is None else images)
    return train(settings, data, **{"snapshot_every_kimg": 0.04, "desc": "train dcgan-normal"} | options)


def trainer(ema_decay: float = 0.0) -> AdversarialTrainer:
    return build_trainer(changed(RECIPE, ema_decay=ema_decay))


def test_update_changes_one_network_only() -> None:
    pair = trainer().pair
    real, latents = batch(0)
    fake = pair.g(latents)
    before = copy.deepcopy(pair.g)
    update_discriminator(pair, pair.d(real), pair.d(fake.detach()), 1.0)
    assert same_weights(before, pair.g)
    assert all(weights.grad is None for weights in pair.g.parameters())
    weights_before = [weights.clone() for weights in pair.d.parameters()]
    for weights in pair.d.parameters():
        weights.grad = None
    with frozen(pair.d):
        logits = pair.d(fake)
    update_generator(pair, logits)
    assert all(map(torch.equal, weights_before, pair.d.parameters()))
    assert all(weights.grad is None for weights in pair.d.parameters())
    assert all(weights.requires_grad for weights in pair.d.parameters())
    assert not same_weights(before, pair.g)


def test_step_equals_two_plain_updates() -> None:
    """Twin: the same step written out with plain Adam, row-major memory and autograd over everything."""
    pair, twin = trainer(), trainer()
    generator = twin.pair.g.to(memory_format=torch.contiguous_format)
    discriminator = twin.pair.d.to(memory_format=torch.contiguous_format)
    adam_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999), foreach=False)
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999), foreach=False)
    cross_entropy = torch.nn.functional.binary_cross_entropy
    for step in range(3):
        real, latents = batch(step)
        statistics = pair.step(real, latents, step=step)
        fake = generator(latents)
        adam_d.zero_grad()
        on_real = cross_entropy(discriminator(real).sigmoid(), torch.ones(8))
        on_fake = cross_entropy(discriminator(fake.detach()).sigmoid(), torch.zeros(8))
        (on_real + on_fake).backward()
        adam_d.step()
        adam_g.zero_grad()
        loss = cross_entropy(discriminator(fake).sigmoid(), torch.ones(8))
        loss.backward()
        adam_g.step()
        assert statistics["gan/discriminator_loss"].item() == pytest.approx(
            (on_real + on_fake).item(), rel=1e-3
        )
        assert statistics["gan/generator_loss"].item() == pytest.approx(loss.item(), rel=1e-3)
        norm = torch.stack([weights.grad.norm() for weights in generator.parameters()]).norm()
        assert statistics["gan/grad_norm_generator"].item() == pytest.approx(norm.item(), rel=1e-2)
    for name, tensor in generator.state_dict().items():
        torch.testing.assert_close(pair.pair.g.state_dict()[name], tensor, rtol=1e-2, atol=1e-4, msg=name)


def test_ema_equals_the_recursion_and_copies_buffers() -> None:
    pair = trainer(ema_decay=0.5)
    assert pair.pair.g_ema is not None
    expected = copy.deepcopy(pair.pair.g_ema).state_dict()
    for step in range(4):
        pair.step(*batch(step), step=step)
        decay = min(0.5, (1 + step) / (10 + step))
        for name, tensor in pair.pair.g.state_dict().items():
            if tensor.is_floating_point():
                expected[name] = decay * expected[name] + (1 - decay) * tensor
            else:
                expected[name] = tensor
    for name, tensor in pair.pair.g_ema.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], msg=name)
    assert pair.pair.g_final is pair.pair.g_ema
    without = trainer().pair
    assert without.g_final is without.g


@pytest.mark.parametrize("network", RECIPES)
def test_bf16_step_keeps_weights_and_gradients_in_float32(network: str) -> None:
    rounded, exact = build_trainer(recipe(network), bf16=True), build_trainer(recipe(network))
    real, latents = batch(0)
    real = real[:4, None] if network == "dpdcgan" else real
    about, loss = (
        one.step(real, latents, step=0)["gan/discriminator_loss"].item() for one in (rounded, exact)
    )
    assert about == pytest.approx(loss, rel=0.05)
    assert about != loss
    pair = rounded.pair
    weights = [*pair.g.parameters(), *pair.d.parameters()]
    gradients = [one.grad for one in pair.d.parameters() if one.grad is not None]
    assert {one.dtype for one in [*weights, *gradients]} == {torch.float32}
    assert pair.is_finite()


class Listener:
    def __init__(self) -> None:
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.images: list[tuple[str, int, tuple[int, ...]]] = []

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        self.logged.append((step, dict(values)))

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        self.images.append((key, step, image.shape))


def test_train_short_run_learns_and_records_its_curve() -> None:
    """Golden run: its end may differ a little between machines, not more."""
    listener = Listener()
    settings = changed(RECIPE, kimg=1.6, lr_generator=2e-3, lr_discriminator=2e-3, ema_decay=0.9)
    result = trained(settings, logger=listener)
    assert list(result.history.columns) == ["kimg", *STATISTICS]
    assert len(result.history) == len(listener.logged) == 200
    assert result.history["kimg"].iloc[-1] == 1.6
    assert listener.logged[-1] == (1600, result.history.iloc[-1].drop("kimg").to_dict())
    assert listener.images == [("samples", 160 * n, (270, 270, 3)) for n in range(1, 11)]
    assert [kimg for kimg, _ in result.sample_grids] == pytest.approx([0.16 * n for n in range(1, 11)])
    assert not result.generator.training
    assert not result.discriminator.training
    assert result.history.iloc[0]["gan/discriminator_loss"] == pytest.approx(2 * np.log(2), abs=0.3)


@pytest.mark.parametrize(
    "settings",
    [
        changed(RECIPE, kimg=1.2, lr_generator=2e-3, lr_discriminator=1e-3),
        recipe(
            "stylegan2", kimg=0.8, augment="none", ada_target=0.0, lr_generator=5e-3, lr_discriminator=5e-3
        ),
    ],
    ids=["dcgan", "stylegan2"],
)
def test_training_learns_where_a_single_image_is_bright(settings: Any) -> None:
    image = np.full((16, 16, 3), 40, dtype=np.uint8)
    image[:8, :8] = (220, 120, 180)
    result = trained(settings, images=np.stack([image] * 8))
    assert list(result.history.columns) == ["kimg", *generators.load(settings.network).trainer.statistics]
    assert np.isfinite(result.history.to_numpy()).all()
    (drawn,) = synthesise(result.generator, seed=1, count=64, device=CPU)
    found = drawn.mean((0, 3))  # (H, W)
    contrast = found[:8, :8].mean() - (found[8:].mean() + found[:8, 8:].mean()) / 2
    assert contrast > 40  # 133 in the image itself, 0 before the training


def test_train_seed_determines_the_bytes() -> None:
    one, two = trained(), trained()
    assert same_weights(one.generator, two.generator)
    assert one.history.equals(two.history)
    other = trained(changed(RECIPE, seed=2))
    assert not same_weights(one.generator, other.generator)


@pytest.mark.parametrize("broken", ["gan/generator_loss", "a weight"])
def test_train_divergence_keeps_the_last_finite_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    whole = AdversarialTrainer.step

    def step(self: AdversarialTrainer, *batches: torch.Tensor, step: int, c: None) -> dict[str, torch.Tensor]:
        statistics = whole(self, *batches, step=step)
        if step == 7 and broken == "a weight":
            next(self.pair.g.parameters()).data[0, 0] = torch.nan
            monkeypatch.setattr(AdversarialTrainer, "step", lambda *_, step, c: statistics)
        return (
            {**statistics, broken: torch.tensor(torch.nan)}
            if step == 7 and broken in statistics
            else statistics
        )

    monkeypatch.setattr(AdversarialTrainer, "step", step)
    with pytest.raises(PathgenError, match=f"{broken} is not finite.*rates"):
        trained(resume_folder=tmp_path)
    state = stored(tmp_path)
    assert state["training"]["step"] == 5
    assert all(bool(tensor.isfinite().all()) for name in "gd" for tensor in state["pair"][name].values())


def test_train_noise_differs_between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    latents: list[torch.Tensor] = []
    hook_steps(monkeypatch, lambda step, real, z, c: latents.append(z))
    trained(changed(RECIPE, kimg=0.04))
    assert len(torch.unique(torch.cat(latents), dim=0)) == 5 * 8


def test_train_resume_with_other_settings_or_images_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(resume_folder=tmp_path)
    with pytest.raises(PathgenError, match=r"recipe\.lr_generator was 0\.0002, is 0\.001"):
        trained(changed(RECIPE, lr_generator=1e-3), resume_folder=tmp_path)
    with pytest.raises(PathgenError, match="images_sha256 was"):
        trained(images=stripes()[::-1], resume_folder=tmp_path)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with pytest.raises(PathgenError, match="threads was 1, is 2"):
        trained(resume_folder=tmp_path)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((0, 16, 16, 3), "no training patches"),
        ((4, 16, 32, 3), "32x16 px"),
        ((4, 24, 24, 3), "24x24 px"),
        ((4, 4, 4, 3), "4x4 px"),
    ],
)
def test_train_unusable_images_are_refused(shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises(PathgenError, match=f"train dcgan-normal: .*{reason}"):
        trained(images=np.zeros(shape, dtype=np.uint8))


def test_train_resume_continues_at_the_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run stopped before its end starts again at its snapshot, not at 0."""
    seen: list[int] = []

    def look(step: int, *_: object) -> None:
        if len(seen) == 13:
            raise KeyboardInterrupt
        seen.append(step)

    # Three log intervals, so that the snapshot at step 10 falls into the middle of one.
    monkeypatch.setattr(loop, "LOGS", 3)
    settings = changed(RECIPE, ema_decay=0.9, augment="d4")
    with monkeypatch.context() as patched:
        hook_steps(patched, look)
        with pytest.raises(KeyboardInterrupt):
            trained(settings, resume_folder=tmp_path)
        seen.clear()
        resumed = trained(settings, resume_folder=tmp_path)
    assert seen == list(range(10, 20))
    straight = trained(settings)
    assert same_weights(resumed.generator, straight.generator)
    assert resumed.history.equals(straight.history)
    assert all(
        np.array_equal(a[1], b[1]) for a, b in zip(resumed.sample_grids, straight.sample_grids, strict=True)
    )
