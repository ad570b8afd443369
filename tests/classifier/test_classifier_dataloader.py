"""Batches are normalised, and augmented by random numbers that depend on seed and step alone."""

import numpy as np
import pytest
import torch
from factories.toy_classifier import toy_config, toy_patches
from scipy import ndimage

from pathgen.classifier.device_dataset import DeviceDataset
from pathgen.classifier.settings import Augment
from pathgen.training.augmentation import blurred

CPU = torch.device("cpu")
PATCHES = toy_patches(24, 1)
ROWS = np.arange(24)[::-1].copy()


def dataset(augment: Augment, seed: int = 1, channels_last: bool = True) -> DeviceDataset:
    return DeviceDataset(PATCHES, toy_config(channels_last=channels_last, augment=augment, seed=seed), CPU)


@pytest.mark.parametrize("channels_last", [True, False])
def test_batch_without_augmentation_is_normalised(channels_last: bool) -> None:
    images, labels = dataset("none", channels_last=channels_last).batch(ROWS, 0)
    expected = (PATCHES.images[ROWS].astype(np.float64) / 127.5 - 1).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(images.numpy(), expected, atol=2e-7)
    assert labels.tolist() == PATCHES.classes[ROWS].tolist()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert images.is_contiguous(memory_format=layout)


def test_d4_gives_symmetries_of_the_patch() -> None:
    plain, _ = dataset("none").batch(ROWS, 0)
    turned, _ = dataset("d4").batch(ROWS, 0)
    ways = set()
    for before, after in zip(plain, turned, strict=True):
        symmetries = [torch.rot90(before, k, (1, 2)) for k in range(4)]
        symmetries += [image.flip(2) for image in symmetries]
        ways.update(way for way, image in enumerate(symmetries) if torch.equal(image, after))
        assert any(torch.equal(image, after) for image in symmetries)
    assert len(ways) > 5


@pytest.mark.parametrize("augment", ["d4", "d4_stain", "d4_stain_blur"])
def test_augmentation_depends_on_seed_and_step_alone(augment: Augment) -> None:
    first, _ = dataset(augment).batch(ROWS, 3)
    torch.manual_seed(9)
    again, _ = dataset(augment).batch(ROWS, 3)
    assert torch.equal(first, again)
    assert not torch.equal(first, dataset(augment).batch(ROWS, 4)[0])
    assert not torch.equal(first, dataset(augment, seed=2).batch(ROWS, 3)[0])
    assert first.is_contiguous(memory_format=torch.channels_last)


def test_stain_is_mild_and_blur_removes_fine_texture() -> None:
    stained, _ = dataset("d4_stain").batch(ROWS, 0)
    plain, _ = dataset("d4").batch(ROWS, 0)
    difference = (stained - plain).abs().mean((1, 2, 3))
    assert 0.005 < float(difference.mean()) < 0.2
    assert float(difference.min()) > 0
    soft, _ = dataset("d4_stain_blur").batch(ROWS, 0)

    def texture(images: torch.Tensor) -> torch.Tensor:
        return images.diff(dim=3).square().mean((1, 2, 3))

    assert 0.2 < float((texture(soft) < 0.99 * texture(stained)).double().mean()) < 0.8


def test_blur_equals_scipy_away_from_the_edges() -> None:
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    ours = blurred(image.expand(2, 3, 32, 32), torch.tensor([1.2, 0.0], dtype=torch.float64))
    expected = ndimage.gaussian_filter(image[0].numpy(), (0, 1.2, 1.2), truncate=8)
    np.testing.assert_allclose(ours[0, :, 10:-10, 10:-10], expected[:, 10:-10, 10:-10], atol=1e-9)
    assert torch.equal(ours[1], image[0])
    flat = torch.ones(1, 1, 16, 16)
    torch.testing.assert_close(blurred(flat, torch.tensor([2.0])), flat)
