"""StyleGAN2's layers against naive references: filters, modulated convolutions, the deviation of a batch."""

import math

import pytest
import torch
from torch.nn import functional

from pathgen.core.seeding import torch_generator
from pathgen.gan.generators.stylegan2.discriminator import MinibatchDeviation, ResidualBlock, group_deviation
from pathgen.gan.generators.stylegan2.layers import (
    EqualConv,
    EqualLinear,
    ModulatedConv,
    activated,
    demodulation,
    filtered,
    init_weights,
    upsampled,
)

TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8


def randn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch_generator(seed), dtype=torch.float64)


def plain_filter(images: torch.Tensor, pad: tuple[int, int, int, int], stride: int = 1) -> torch.Tensor:
    """The filter written as a convolution of each channel with the outer product of its taps."""
    channels = images.shape[1]
    kernel = torch.outer(TAPS, TAPS).to(images.dtype)[None, None].repeat(channels, 1, 1, 1)
    return functional.conv2d(functional.pad(images, pad), kernel, stride=stride, groups=channels)


def zeros_between(images: torch.Tensor) -> torch.Tensor:
    count, channels, height, width = images.shape
    wide = torch.zeros(count, channels, 2 * height, 2 * width, dtype=images.dtype)
    wide[:, :, ::2, ::2] = images
    return wide


@pytest.mark.parametrize(("margin", "stride"), [(1, 1), (2, 1), (1, 2)])
def test_filtered_equals_a_convolution_of_each_channel(margin: int, stride: int) -> None:
    images = randn(2, 3, 8, 6)
    torch.testing.assert_close(filtered(images, margin, stride), plain_filter(images, (margin,) * 4, stride))


def test_upsample_is_zero_insertion_and_the_filter() -> None:
    images = randn(2, 3, 5, 4)
    torch.testing.assert_close(upsampled(images), 4 * plain_filter(zeros_between(images), (2, 1, 2, 1)))


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
def test_modulated_conv_equals_one_kernel_per_image(up: bool, demodulate: bool) -> None:
    layer = ModulatedConv(5, 4, 3, 6, up=up, demodulate=demodulate).double()
    init_weights(layer, 1)
    images, w = randn(3, 5, 8, 8), randn(3, 6, seed=2)
    expected = []
    for image, one in zip(images, w, strict=True):
        style = layer.style.weight @ one / math.sqrt(6) + layer.style.bias
        kernel = layer.weight / math.sqrt(5 * 9) * style[None, :, None, None]
        if demodulate:
            kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if up:
            # A convolution of the image with zeros between its pixels, then the filter, times 4.
            wide = functional.pad(zeros_between(image[None]), (2, 1, 2, 1))
            spread = functional.conv2d(wide, kernel.flip(2, 3))
            expected.append(4 * plain_filter(spread, (1, 1, 1, 1)))
        else:
            expected.append(functional.conv2d(image[None], kernel, padding=1))
    result = layer(images, w)
    assert result.shape == (3, 4, 16 if up else 8, 16 if up else 8)
    torch.testing.assert_close(result, torch.cat(expected), rtol=1e-5, atol=1e-6)


def test_demodulation_gives_unit_variance_for_any_style() -> None:
    layer = ModulatedConv(32, 16, 3, 4)
    init_weights(layer, 3)
    images = torch.randn(8, 32, 24, 24, generator=torch_generator(4))
    w = 20 * torch.randn(8, 4, generator=torch_generator(5))
    inside = layer(images, w)[:, :, 2:-2, 2:-2]
    assert inside.std((2, 3)).mean().item() == pytest.approx(1.0, abs=0.03)
    assert inside.std((2, 3)).min() > 0.8
    style = layer.style(w)
    kernels = layer.weight[None] / math.sqrt(32 * 9) * style[:, None, :, None, None]
    norms = (kernels * demodulation(layer.weight / math.sqrt(32 * 9), style)[..., None, None, None]).flatten(
        2
    )
    torch.testing.assert_close(norms.norm(dim=2), torch.ones(8, 16), rtol=1e-4, atol=1e-4)


def test_layers_at_initialisation_keep_unit_variance() -> None:
    linear, conv = EqualLinear(512, 256, lr_multiplier=0.01, active=True), EqualConv(64, 32, 3, active=True)
    init_weights(linear, 1)
    init_weights(conv, 1)
    rng = torch_generator(2)
    assert linear.weight.std().item() == pytest.approx(100, rel=0.02)
    # LeakyReLU(x) * sqrt(2) of a unit normal: mean square 1 + 0.04.
    for result in (
        linear(torch.randn(64, 512, generator=rng)),
        conv(torch.randn(4, 64, 16, 16, generator=rng))[:, :, 1:-1, 1:-1],
    ):
        assert result.square().mean().item() == pytest.approx(1.04, abs=0.05)


def test_lr_multiplier_scales_bias_and_weight() -> None:
    layer = EqualLinear(4, 3, bias=2.0, lr_multiplier=0.5)
    init_weights(layer, 1)
    values = torch.randn(5, 4, generator=torch_generator(6))
    expected = values @ (layer.weight * 0.5 / 2).T + 2.0
    torch.testing.assert_close(layer(values), expected)


def test_strided_conv_is_filter_then_stride() -> None:
    layer = EqualConv(3, 5, 3, down=True, active=True).double()
    init_weights(layer, 1)
    images = randn(2, 3, 8, 8)
    kernel = layer.weight / math.sqrt(27)
    expected = functional.conv2d(plain_filter(images, (2, 2, 2, 2)), kernel, stride=2)
    torch.testing.assert_close(layer(images), functional.leaky_relu(expected, 0.2) * math.sqrt(2))
    assert layer(images).shape == (2, 5, 4, 4)


def test_residual_block_is_the_scaled_sum_of_both_branches() -> None:
    block = ResidualBlock(3, 5).double()
    init_weights(block, 1)
    images = randn(2, 3, 8, 8)
    kernel = block.skip.weight / math.sqrt(3)
    short_cut = functional.conv2d(plain_filter(images, (1, 1, 1, 1), stride=2), kernel)
    expected = (block.second(block.first(images)) + short_cut) / math.sqrt(2)
    torch.testing.assert_close(block(images), expected)


def test_activation_adds_its_bias_first() -> None:
    values = torch.tensor([[1.0, -3.0]])
    expected = torch.tensor([[1.5, -0.2 * 2.0]]) * math.sqrt(2)
    torch.testing.assert_close(activated(values, torch.tensor([0.5, 1.0])), expected)


@pytest.mark.parametrize(("count", "group", "size"), [(8, 4, 4), (6, 4, 3), (5, 4, 1), (3, 8, 3)])
def test_minibatch_stddev_equals_a_loop(count: int, group: int, size: int) -> None:
    images = randn(count, 3, 4, 4)
    groups = count // size
    for number, found in enumerate(group_deviation(images, group)):
        members = [images[other] for other in range(count) if other % groups == number % groups]
        assert len(members) == size
        stacked = torch.stack(members)
        naive = ((stacked - stacked.mean(0)) ** 2).mean(0).add(1e-8).sqrt().mean()
        assert found.item() == pytest.approx(naive.item())


def test_minibatch_stddev_of_one_image_uses_the_running_value() -> None:
    layer = MinibatchDeviation(4)
    images = torch.randn(8, 3, 4, 4, generator=torch_generator(7))
    for _ in range(3):
        found = layer(images)
    assert found.shape == (8, 4, 4, 4)
    assert torch.equal(found[:, :3], images)
    deviation = group_deviation(images, 4).mean()
    assert layer.usual.item() == pytest.approx(deviation.item() * (1 - 0.99**3), rel=1e-5)
    layer.eval()
    assert torch.equal(layer(images)[:1], layer(images[:1]))
    assert torch.equal(layer(images)[:, 3], layer.usual.expand(8, 4, 4))
