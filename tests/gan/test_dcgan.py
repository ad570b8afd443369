"""The networks are the paper's, at each size; the losses are the textbook's."""

import itertools

import pytest
import torch
from factories.gan import recipe
from torch import nn

from pathgen.gan.adversarial_trainer import adversarial_pair, set_learning_rates
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators import dcgan
from pathgen.gan.generators.interface import Precision
from pathgen.gan.loop import train_generator
from pathgen.gan.nn_ops import discriminator_loss, generator_loss

PAPER = recipe("dcgan", width=64, latent_dim=100)


def weights_of(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def convolutions(network: nn.Module) -> list[tuple[object, ...]]:
    return [
        (layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0], layer.padding[0])
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    ]


def test_dcgan_generator_has_the_layers_of_the_paper() -> None:
    generator = dcgan.DcganGenerator(PAPER, 64)
    assert convolutions(generator) == [
        (100, 512, 4, 1, 0),
        (512, 256, 4, 2, 1),
        (256, 128, 4, 2, 1),
        (128, 64, 4, 2, 1),
        (64, 3, 4, 2, 1),
    ]
    kinds = [type(layer).__name__ for layer in generator.layers]
    assert kinds == ["ConvTranspose2d", "BatchNorm2d", "ReLU"] * 4 + ["ConvTranspose2d", "Tanh"]
    channels = [100, 512, 256, 128, 64, 3]
    kernels = sum(16 * before * after for before, after in itertools.pairwise(channels))
    assert weights_of(generator) == kernels + 2 * sum(channels[1:-1]) == 3_576_704


def test_nearest_upsampling_repeats_pixels_before_each_convolution() -> None:
    generator = dcgan.DcganGenerator(recipe("dcgan", width=64, latent_dim=100, upsampling="nearest"), 64)
    assert convolutions(generator) == [
        (100, 512, 4, 1, 0),
        (512, 256, 3, 1, 1),
        (256, 128, 3, 1, 1),
        (128, 64, 3, 1, 1),
        (64, 3, 3, 1, 1),
    ]
    kinds = [type(layer).__name__ for layer in generator.layers]
    assert kinds == ["ConvTranspose2d", *["BatchNorm2d", "ReLU", "Upsample", "Conv2d"] * 4, "Tanh"]
    assert generator(torch.zeros(2, 100)).shape == (2, 3, 64, 64)


def test_even_area_stays_even_with_nearest_upsampling_alone() -> None:
    spreads = {}
    for upsampling in ("nearest", "transposed"):
        layers = nn.Sequential(*dcgan.doubling(1, 1, upsampling))
        inner = layers(torch.ones(1, 1, 6, 6))[0, 0, 2:-2, 2:-2]
        spreads[upsampling] = float(inner.detach().std())
    assert spreads["nearest"] < 1e-6 < 1e-2 < spreads["transposed"]


def test_dcgan_discriminator_has_the_layers_of_the_paper() -> None:
    discriminator = dcgan.DcganDiscriminator(PAPER, 64)
    assert convolutions(discriminator) == [
        (3, 64, 4, 2, 1),
        (64, 128, 4, 2, 1),
        (128, 256, 4, 2, 1),
        (256, 512, 4, 2, 1),
        (512, 1, 4, 1, 0),
    ]
    kinds = [type(layer).__name__ for layer in discriminator.layers]
    assert kinds == ["Conv2d", "LeakyReLU"] + ["Conv2d", "BatchNorm2d", "LeakyReLU"] * 3 + ["Conv2d"]
    assert {layer.negative_slope for layer in discriminator.modules() if isinstance(layer, nn.LeakyReLU)} == {
        0.2
    }
    channels = [3, 64, 128, 256, 512, 1]
    kernels = sum(16 * before * after for before, after in itertools.pairwise(channels))
    assert weights_of(discriminator) == kernels + 2 * sum(channels[2:-1]) == 2_765_568


def test_dcgan_weights_follow_the_paper_and_the_seed() -> None:
    generator = dcgan.DcganGenerator(PAPER, 64)
    dcgan.init_weights(generator, 5)
    for layer in generator.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            assert layer.weight.mean().item() == pytest.approx(0.0, abs=2e-3)
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.weight.mean().item() == pytest.approx(1.0, abs=0.01)
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.3)
            assert not layer.bias.any()
    again = dcgan.DcganGenerator(PAPER, 64)
    dcgan.init_weights(again, 5)
    assert torch.equal(again.layers[0].weight, generator.layers[0].weight)


def test_losses_equal_non_saturating_cross_entropy() -> None:
    real, fake = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    p_real, p_fake = real.sigmoid(), fake.sigmoid()
    expected = -(0.9 * p_real.log() + 0.1 * (1 - p_real).log()).mean() - (1 - p_fake).log().mean()
    assert discriminator_loss(real, fake, 0.9).item() == pytest.approx(expected.item(), rel=1e-5)
    assert generator_loss(fake).item() == pytest.approx(-p_fake.log().mean().item(), rel=1e-5)
    sure = torch.full((1,), -200.0, requires_grad=True)
    generator_loss(sure).backward()
    assert sure.grad is not None
    assert sure.grad.item() == pytest.approx(-1.0)


@pytest.mark.parametrize("network", ["dcgan", "dpdcgan"])
def test_learning_rates_fall_linearly_to_zero_after_their_start(network: str) -> None:
    settings = recipe(network, kimg=0.08, batch_size=8, lr_decay_start=0.6)
    assert settings.steps == 10
    pair = adversarial_pair(nn.Linear(1, 1), nn.Linear(1, 1), settings)
    shares = []
    for step in range(10):
        set_learning_rates(pair, settings, step)
        (of_g,), (of_d,) = pair.opt_g.param_groups, pair.opt_d.param_groups
        shares.append(of_g["lr"] / settings.lr_generator)
        assert of_d["lr"] / settings.lr_discriminator == shares[-1]
    assert shares == pytest.approx([1.0] * 7 + [0.75, 0.5, 0.25])


@pytest.mark.parametrize("network", ["dcgan", "dpdcgan"])
def test_a_training_uses_the_falling_rates(network: str) -> None:
    images = torch.randint(0, 256, (16, 8, 8, 3), dtype=torch.uint8).numpy()
    data = GanDataset(images, images[:0])
    ends = [
        train_generator(
            data,
            recipe(network, kimg=0.08, batch_size=8, lr_decay_start=start),
            device=torch.device("cpu"),
            precision=Precision(),
            snapshot_every_kimg=1.0,
        ).generator.state_dict()
        for start in (1.0, 0.5)
    ]
    assert any(not torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
