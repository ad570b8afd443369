"""Predictions do not depend on the other patches of the set."""

import numpy as np
import pytest
import torch
from factories.toy_classifier import toy_patches

from pathgen.classifier.prediction import normalised, predict
from pathgen.classifier.registry import build_classifier

CPU = torch.device("cpu")


@pytest.mark.parametrize("count", [0, 1, 7, 128, 129, 300])
def test_predict_is_independent_of_the_set_size(count: int) -> None:
    model = build_classifier("cnn6", 16, seed=1)
    images = toy_patches(300, 1).images
    scores = predict(model, images, CPU)
    assert scores.dtype == np.float64
    assert np.array_equal(predict(model, images[:count], CPU), scores[:count])


def test_predict_returns_tumor_in_evaluation_mode() -> None:
    class Spy(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            assert not self.training
            return torch.log(torch.tensor([0.25, 0.75])).expand(len(images), 2)

    spy = Spy().train()
    assert predict(spy, toy_patches(5, 1).images, CPU) == pytest.approx([0.75] * 5)
    assert spy.training, "the mode is restored"


def test_normalised_has_mean_half_and_deviation_half() -> None:
    images = toy_patches(4, 1).images
    images[0, 0, 0] = (0, 128, 255)
    expected = ((images.astype(np.float64) / 255 - 0.5) / 0.5).transpose(0, 3, 1, 2)
    pixels = normalised(torch.from_numpy(images).permute(0, 3, 1, 2))
    assert pixels.dtype == torch.float32
    np.testing.assert_allclose(pixels.numpy(), expected, atol=2e-7)
    assert (float(pixels.min()), float(pixels.max())) == (-1.0, 1.0)
