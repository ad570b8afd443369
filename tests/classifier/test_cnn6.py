"""The six-layer CNN of the published study."""

import pytest
import torch
from torch import nn

from pathgen.classifier.networks.cnn6 import SMALLEST_IMAGE_PX, Cnn6, feature_side_px
from pathgen.classifier.registry import build_classifier


def closed_form(flattened: int) -> int:
    convolutions = [(3, 32), (32, 32), (32, 64), (64, 64)]
    linear = [(flattened, 512), (512, 128), (128, 2)]
    return sum(9 * a * b + b for a, b in convolutions) + sum(a * b + b for a, b in linear)


@pytest.mark.parametrize(("size_px", "flattened"), [(64, 10_816), (32, 1_600), (SMALLEST_IMAGE_PX, 64)])
def test_cnn6_has_the_weights_of_the_closed_form(size_px: int, flattened: int) -> None:
    model = Cnn6(size_px)
    assert 64 * feature_side_px(size_px) ** 2 == flattened
    assert sum(weight.numel() for weight in model.parameters()) == closed_form(flattened)


def test_cnn6_has_the_published_layers() -> None:
    names = [type(layer).__name__ for layer in [*Cnn6(32).features, *Cnn6(32).head]]
    block = ["Conv2d", "ReLU", "Conv2d", "MaxPool2d", "ReLU"]
    assert names == [*block, *block, "Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert all(layer.padding == (0, 0) for layer in Cnn6(32).features if isinstance(layer, nn.Conv2d))


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_cnn6_equals_the_published_order_to_the_bit(
    precision: torch.dtype, layout: torch.memory_format
) -> None:
    images = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    ours, published = build_classifier("cnn6", 32, seed=1), build_classifier("cnn6", 32, seed=1)
    convolutions = [layer for layer in published.features if isinstance(layer, nn.Conv2d)]
    published.features = nn.Sequential(
        *(nn.Sequential(layer, nn.ReLU()) for layer in convolutions[:2]),
        nn.MaxPool2d(2),
        *(nn.Sequential(layer, nn.ReLU()) for layer in convolutions[2:]),
        nn.MaxPool2d(2),
    )
    results = []
    for model in (ours, published):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
            results.append(model.to(memory_format=layout)(images.to(memory_format=layout)))
        results[-1][:, 1].sum().backward()
    assert torch.equal(*results)
    for mine, theirs in zip(ours.parameters(), published.parameters(), strict=True):
        assert mine.grad is not None
        assert torch.equal(mine.grad, theirs.grad)


def test_initial_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(5)
    expected_draw = torch.rand(1)
    torch.manual_seed(5)
    first = build_classifier("cnn6", 32, seed=1).state_dict()
    assert torch.equal(torch.rand(1), expected_draw), "the global generator was moved"
    second = build_classifier("cnn6", 32, seed=1).state_dict()
    other = build_classifier("cnn6", 32, seed=2).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_kaiming_weights_have_variance_two_over_fan_in() -> None:
    for name, values in build_classifier("cnn6", 32, seed=1, initialisation="kaiming").named_parameters():
        if name.endswith("bias"):
            assert not values.any(), name
        else:
            fan_in = values[0].numel()
            # The standard error of a variance over n values is sqrt(2 / n) of it.
            tolerance = 5 * (2 / values.numel()) ** 0.5
            assert float(values.detach().square().mean()) == pytest.approx(2 / fan_in, rel=tolerance), name
