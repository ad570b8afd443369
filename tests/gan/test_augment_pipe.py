"""Each transform against explicit matrices, and what it may not do to tissue."""

import math

import numpy as np
import pytest
import torch

from pathgen.core.seeding import torch_generator
from pathgen.gan import ada
from pathgen.gan.ada import apply_matrices, augment, flipped, shift_matrices, turns_as_flips
from pathgen.training.augmentation import restained


def images(count: int = 4, side: int = 8) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch_generator(1)) * 2 - 1


def same_for_all(matrix: torch.Tensor, count: int = 4) -> torch.Tensor:
    return matrix[None].expand(count, -1, -1)


def no_swap(count: int = 4) -> torch.Tensor:
    return torch.zeros(count, dtype=torch.bool)


@pytest.mark.parametrize("shift", [-5, -1, 0, 1, 3, 8])
def test_shift_integer_permutes_pixels_with_reflection(shift: int) -> None:
    side = 8
    expected = np.zeros((side, side))
    reflected = [*range(side), *reversed(range(side))]
    for row in range(side):
        expected[row, reflected[(row - shift) % (2 * side)]] = 1.0
    (matrix,) = shift_matrices(torch.tensor([float(shift)]), side)
    assert np.array_equal(matrix.numpy(), expected)
    columns = same_for_all(matrix)
    moved = apply_matrices(images(), same_for_all(torch.eye(side)), columns, no_swap())
    rolled = torch.cat([images(), images().flip(3)], 3).roll(shift, 3)[..., :side]
    assert torch.equal(moved, rolled)


def test_shift_fractional_equals_lanczos() -> None:
    def kernel(x: float) -> float:
        if abs(x) >= 3:
            return 0.0
        return 1.0 if x == 0 else 3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2

    side, shift = 9, 2.3
    expected = np.zeros((side, side))
    for row in range(side):
        for place in range(-2 * side, 3 * side):
            folded = place % (2 * side)
            column = folded if folded < side else 2 * side - 1 - folded
            expected[row, column] += kernel(row - shift - place)
    expected /= expected.sum(1, keepdims=True)
    (matrix,) = shift_matrices(torch.tensor([shift], dtype=torch.float64), side)
    assert np.allclose(matrix.numpy(), expected, atol=1e-12)


def test_flip_and_rotation_equal_numpy() -> None:
    side, one = 8, images(4)
    straight = same_for_all(torch.eye(side))
    yes, no = torch.ones(4, dtype=torch.bool), no_swap()
    assert torch.equal(apply_matrices(one, straight, flipped(straight, yes), no), one.flip(3))
    assert torch.equal(apply_matrices(one, flipped(straight, yes), straight, no), one.flip(2))
    assert torch.equal(apply_matrices(one, straight, straight, yes), one.transpose(2, 3))
    choice = torch.tensor([True, False, True, False])
    half = apply_matrices(one, straight, flipped(straight, choice), no)
    assert torch.equal(half[0], one[0].flip(2)) and torch.equal(half[1], one[1])


def test_rotation_by_90_degrees_equals_numpy() -> None:
    one, turns = images(4), torch.arange(4)
    flip_rows, flip_columns, swap = turns_as_flips(turns)
    straight = same_for_all(torch.eye(8))
    turned = apply_matrices(one, flipped(straight, flip_rows), flipped(straight, flip_columns), swap)
    for number in range(4):
        assert torch.equal(turned[number], torch.rot90(one[number], -number, (1, 2))), number


def test_augment_draws_transforms_independently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which images change when one transform alone is made to do nothing: independent, and evenly so."""
    one = images(1).expand(1000, -1, -1, -1)
    plain = augment(one, 0.4, torch_generator(5))
    changed = []
    nothing = (0.0, 0.0, 0.0)
    for names, value in (
        (("_WHOLE_SHIFT",), 0.0),
        (("_SHIFT_STD",), 0.0),
        (("_STAIN_STD", "_OFFSET_STD"), nothing),
    ):
        with monkeypatch.context() as patched:
            for name in names:
                patched.setattr(ada, name, value)
            other = augment(one, 0.4, torch_generator(5))
        changed.append((other != plain).flatten(1).any(1).float())
    assert changed[1].mean().item() == pytest.approx(0.4, abs=0.06)
    assert changed[2].mean().item() == pytest.approx(0.4, abs=0.06)
    assert torch.corrcoef(torch.stack(changed)).fill_diagonal_(0.0).abs().max() < 0.12


def test_stain_jitter_follows_beer_lambert() -> None:
    """Twin: optical densities in numpy, pixel by pixel."""
    one = images(2, 4)
    factors, offsets = (
        torch.tensor([[1.2, 0.9, 1.0], [1.0, 1.0, 1.0]]),
        torch.tensor([[0.02, 0.01, 0.0], [0.0] * 3]),
    )
    stains = np.array([[0.65, 0.704, 0.286], [0.072, 0.99, 0.105], [0.268, 0.57, 0.776]])
    stains /= np.linalg.norm(stains, axis=1, keepdims=True)
    shown = restained(one, factors, offsets).numpy()
    for row in range(4):
        for column in range(4):
            light = np.maximum((one[0, :, row, column].double().numpy() + 1) / 2, 0.5 / 255)
            amounts = -np.log(light) @ np.linalg.inv(stains)
            density = (amounts * [1.2, 0.9, 1.0] + [0.02, 0.01, 0.0]) @ stains
            expected = one[0, :, row, column].numpy() + 2 * (np.exp(-np.maximum(density, 0)) - light)
            assert np.allclose(shown[0, :, row, column], expected, atol=1e-4)
    torch.testing.assert_close(torch.from_numpy(shown[1]), one[1], atol=1e-5, rtol=0)


def test_stain_jitter_leaves_white_and_values_out_of_range_unchanged() -> None:
    white = torch.ones(1, 3, 2, 2)
    factors, none = torch.tensor([[1.3, 0.8, 1.0]]), torch.zeros(1, 3)
    torch.testing.assert_close(restained(white, factors, none), white)
    beyond = torch.full((1, 3, 2, 2), 1.5, requires_grad=True)
    shown = restained(beyond, factors, none)
    torch.testing.assert_close(shown, beyond)
    shown.sum().backward()
    assert beyond.grad is not None
    torch.testing.assert_close(beyond.grad, torch.ones_like(beyond))


def test_augment_keeps_the_hue_of_tissue() -> None:
    """Haematoxylin stays blue to violet, eosin stays pink: red and blue never fall below green."""
    for colour in ((0.45, 0.30, 0.60), (0.85, 0.60, 0.75)):
        tissue = (torch.tensor(colour) * 2 - 1)[None, :, None, None].expand(400, 3, 8, 8)
        shown = augment(tissue, 1.0, torch_generator(6))
        red, green, blue = shown.unbind(1)
        assert (red > green).all() and (blue > green).all()
        assert (shown - tissue).abs().mean() < 0.15


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.8])
def test_augment_applies_each_transform_with_its_probability(
    chance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = images(1).expand(2000, -1, -1, -1)
    monkeypatch.setattr(ada, "_STAIN_STD", (0.0, 0.0, 0.0))
    monkeypatch.setattr(ada, "_OFFSET_STD", (0.0, 0.0, 0.0))
    shown = augment(one, chance, torch_generator(7))
    unchanged = ((shown - one).abs().amax((1, 2, 3)) < 1e-5).float().mean().item()
    # Flip, turn and whole shift may also choose what changes nothing.
    whole = float(np.mean([abs(round(2 * x - 1)) == 0 for x in np.linspace(0, 1, 10001)]))
    expected = (1 - chance / 2) * (1 - 3 * chance / 4) * (1 - chance + chance * whole**2) * (1 - chance)
    assert unchanged == pytest.approx(expected, abs=0.04)
    if chance == 0.0:
        assert shown is one


def test_augment_has_second_derivatives() -> None:
    one = images(2).requires_grad_(True)
    shown = augment(one, 0.8, torch_generator(8))
    (gradient,) = torch.autograd.grad(shown.square().sum(), one, create_graph=True)
    gradient.square().sum().backward()
    assert one.grad is not None and bool(torch.isfinite(one.grad).all())
