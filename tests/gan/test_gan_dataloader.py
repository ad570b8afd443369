"""What the discriminator is shown: every image once an epoch, in an order of the seed; turned evenly."""

import numpy as np
import pytest
import torch
from factories.gan import CPU, dataset, recipe
from numpy.typing import NDArray

from pathgen.gan.shuffled_loader import ShuffledLoader
from pathgen.training.augmentation import turned


def numbered(count: int) -> NDArray[np.uint8]:
    """Images whose every value is their number."""
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 4, 4, 3))


def shown(stream: ShuffledLoader, steps: range) -> list[int]:
    values = torch.cat([stream.batch(step)[:, 0, 0, 0] for step in steps])
    return ((values + 1) * 127.5).round().int().tolist()


def loader(
    images: NDArray[np.uint8], batch_size: int, seed: int = 1, augment: str = "none"
) -> ShuffledLoader:
    settings = recipe("dcgan", batch_size=batch_size, seed=seed, augment=augment)
    return ShuffledLoader(dataset(images), settings, CPU)


def stream_of(count: int, batch_size: int, seed: int = 1) -> ShuffledLoader:
    return loader(numbered(count), batch_size, seed)


@pytest.mark.parametrize(("count", "batch_size"), [(12, 4), (12, 5), (7, 16)])
def test_loader_epoch_shows_every_image_once(count: int, batch_size: int) -> None:
    order = shown(stream_of(count, batch_size), range(60 // batch_size))
    epochs = [order[first : first + count] for first in range(0, len(order) - count + 1, count)]
    assert len(epochs) >= 4
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_loader_batch_does_not_depend_on_earlier_steps() -> None:
    assert shown(stream_of(12, 5), range(9, 12)) == shown(stream_of(12, 5), range(12))[45:]
    assert shown(stream_of(12, 5, seed=2), range(3)) != shown(stream_of(12, 5), range(3))


def test_loader_values_span_minus_one_to_one() -> None:
    images = np.array([0, 255], dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2).repeat(3, 3)
    images.flags.writeable = False  # As those of a patch set on disk.
    batch = loader(images, 2, augment="none").batch(0)
    assert batch.dtype == torch.float32
    assert sorted(batch[:, 0, 0, 0].tolist()) == [-1.0, 1.0]


def test_loader_d4_choices_are_the_symmetries_of_a_square() -> None:
    image = torch.arange(9).reshape(1, 1, 3, 3)
    choices = torch.tensor([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)], dtype=torch.bool).T
    results = turned(image.repeat(8, 1, 1, 1), choices)
    expected = {
        tuple(np.rot90(flipped, turns).ravel().tolist())
        for flipped in (image[0, 0].numpy(), np.fliplr(image[0, 0].numpy()))
        for turns in range(4)
    }
    assert {tuple(result.ravel().tolist()) for result in results} == expected
    assert len(expected) == 8


def test_loader_d4_choices_are_uniform_and_optional() -> None:
    image = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    plain = loader(image, 8, augment="none")
    assert torch.equal(plain.batch(0), plain.batch(1))
    stream = loader(image, 800, augment="d4")
    _, counts = torch.unique(stream.batch(0), dim=0, return_counts=True)
    assert len(counts) == 8
    assert 60 <= counts.min() <= counts.max() <= 140
