"""The networks are the paper's, at each size; the losses are the textbook's."""

import itertools

import pytest
import torch
from factories.gan import recipe
from torch import nn

from pathgen.gan.generators import dcgan
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
