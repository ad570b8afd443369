"""Penalties and averages against closed forms."""

import math

import pytest
import torch
from factories.gan import STYLEGAN2, changed

from pathgen.core.seeding import torch_generator
from pathgen.gan.generators.stylegan2.stylegan2_trainer import PathMean, path_lengths, r1_penalty


def randn(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch_generator(seed), dtype=torch.float64)


def test_r1_of_a_linear_discriminator_is_the_squared_weight_norm() -> None:
    weight = randn(3, 4, 4).requires_grad_(True)
    images = randn(5, 3, 4, 4, seed=2).requires_grad_(True)
    penalty = r1_penalty((images * weight).sum((1, 2, 3)), images)
    torch.testing.assert_close(penalty, weight.square().sum().expand(5))
    (gradient,) = torch.autograd.grad(penalty.mean() * 0.7 / 2, weight)
    torch.testing.assert_close(gradient, 0.7 * weight)


def test_r1_of_a_square_discriminator_differs_between_images() -> None:
    images = randn(5, 3, 4, 4).requires_grad_(True)
    penalty = r1_penalty(images.square().sum((1, 2, 3)) / 2, images)
    torch.testing.assert_close(penalty, images.square().sum((1, 2, 3)))


def test_path_length_of_a_linear_generator_has_a_closed_form() -> None:
    """Image = A applied to the sum of its styles: each style's gradient is A^T y."""
    matrix = randn(3 * 4 * 4, 6).requires_grad_(True)
    ws = randn(5, 2, 6, seed=2).requires_grad_(True)
    noise = randn(5, 3, 4, 4, seed=3)
    images = (ws.sum(1) @ matrix.T).reshape(5, 3, 4, 4)
    lengths = path_lengths(images, ws, noise)
    expected = (noise.flatten(1) / 4.0) @ matrix  # sqrt(4 * 4) = 4
    torch.testing.assert_close(lengths, expected.norm(dim=1))
    (gradient,) = torch.autograd.grad(lengths.sum(), matrix)
    unit = expected / expected.norm(dim=1, keepdim=True)
    torch.testing.assert_close(gradient, (noise.flatten(1) / 4.0).T @ unit)


def test_path_length_averages_squares_over_styles() -> None:
    ws = randn(2, 3, 4).requires_grad_(True)
    gains = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    images = (ws * gains[:, None]).sum((1, 2)).reshape(2, 1, 1, 1)
    noise = torch.ones(2, 1, 1, 1, dtype=torch.float64)
    expected = math.sqrt((4 * 1 + 4 * 4 + 4 * 9) / 3)
    torch.testing.assert_close(path_lengths(images, ws, noise), torch.full((2,), expected).double())


def test_path_length_mean_is_recursive_and_detached() -> None:
    path_mean, expected = PathMean(0.1), 0.0
    for step in range(3):
        lengths = randn(4, seed=step).float().abs().requires_grad_(True)
        penalty = path_mean.penalty(lengths)
        expected += 0.1 * (lengths.mean().item() - expected)
        assert path_mean.mean.item() == pytest.approx(expected, rel=1e-5)
        assert penalty.item() == pytest.approx(((lengths - expected) ** 2).mean().item(), rel=1e-5)
        (gradient,) = torch.autograd.grad(penalty, lengths)
        torch.testing.assert_close(gradient, 2 * (lengths.detach() - path_mean.mean) / 4)
    again = PathMean(0.1)
    again.load_state_dict(path_mean.state_dict())
    assert torch.equal(again.mean, path_mean.mean)


def test_ema_half_life_halves_the_weight() -> None:
    whole = changed(STYLEGAN2, batch_size=32, ema_kimg=1.6, ema_ramp=0.0).ema_decay_at
    assert whole(10**5) ** (1600 / 32) == pytest.approx(0.5)
    assert whole(0) == whole(10**5)


def test_ema_rampup_limits_the_half_life() -> None:
    ramped = changed(STYLEGAN2, batch_size=32, ema_kimg=1.6, ema_ramp=0.05).ema_decay_at
    assert ramped(0) == 0.0
    assert ramped(200) == pytest.approx(0.5 ** (32 / 320))
    assert ramped(1000) == ramped(10**5) == pytest.approx(0.5 ** (32 / 1600))
