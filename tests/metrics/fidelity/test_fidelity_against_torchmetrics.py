"""Frechet and kernel distance against torchmetrics on the same features."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.torchvision_import import torchvision

# Before torchmetrics, which imports torchvision.
from pathgen.metrics.fidelity.frechet import frechet_distance
from pathgen.metrics.fidelity.kernel import kernel_distance

assert torchvision
from torchmetrics.image.fid import FrechetInceptionDistance  # noqa: E402
from torchmetrics.image.kid import KernelInceptionDistance  # noqa: E402

WIDTH = 24


class Flatten(nn.Module):
    """Feature extractor whose features are the pixels."""

    num_features = WIDTH

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (N, WIDTH)."""
        return images.flatten(1)


def features(seed: int, count: int) -> NDArray[np.float64]:
    """Sample correlated features whose mean grows with the seed."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, WIDTH)) @ rng.standard_normal((WIDTH, WIDTH)) / 4 + seed / 10


def computed_by(metric: object, real: NDArray[np.float64], fake: NDArray[np.float64]) -> float:
    """Return the value of a torchmetrics metric."""
    metric.set_dtype(torch.float64)  # type: ignore[attr-defined]
    for rows, is_real in ((real, True), (fake, False)):
        metric.update(torch.from_numpy(rows).reshape(-1, 3, 2, 4), real=is_real)  # type: ignore[attr-defined]
    value = metric.compute()  # type: ignore[attr-defined]
    return float(value[0] if isinstance(value, tuple) else value)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_frechet_equals_torchmetrics(seed: int) -> None:
    real, fake = features(seed, 300), features(seed + 3, 250)
    theirs = FrechetInceptionDistance(feature=Flatten(), normalize=True, input_img_size=(3, 2, 4))
    assert frechet_distance(real, fake) == pytest.approx(computed_by(theirs, real, fake), rel=1e-6)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save all")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kernel_distance_equals_torchmetrics(seed: int) -> None:
    real, fake = features(seed, 250), features(seed + 3, 250)  # one subset of all: the same rows in both
    theirs = KernelInceptionDistance(feature=Flatten(), normalize=True, subsets=1, subset_size=250)
    assert kernel_distance(real, fake) == pytest.approx(computed_by(theirs, real, fake), rel=1e-6)
