"""A synthetic patch depends on its checkpoint, its seed and its number, and on nothing else."""

import numpy as np
import pytest
import torch
from factories.gan import recipe
from numpy.typing import NDArray

from pathgen.core.seeding import torch_generator
from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.generators import dcgan
from pathgen.gan.synthesis import BLOCK, synthesise, to_uint8

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def generator() -> dcgan.DcganGenerator:
    network = dcgan.DcganGenerator(recipe("dcgan", latent_dim=5), 16)
    dcgan.init_weights(network, 1)
    # Statistics of a training: without them every image would be nearly grey.
    for step in range(20):
        network(torch.randn(64, 5, generator=torch_generator(1, step)))
    return network


def drawn(generator: torch.nn.Module, count: int, seed: int = 3) -> NDArray[np.uint8]:
    blocks = list(synthesise(generator, seed=seed, count=count, device=CPU))
    assert [len(block) for block in blocks[:-1]] == [BLOCK] * (len(blocks) - 1)
    images = np.concatenate(blocks)
    assert (images.shape, images.dtype) == ((count, 16, 16, 3), np.uint8)
    return images


def test_synthesis_smaller_set_is_the_start_of_the_larger(generator: torch.nn.Module) -> None:
    many = drawn(generator, 200)
    for count in (1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK):
        assert np.array_equal(drawn(generator, count), many[:count]), count


def test_synthesis_patches_differ_within_and_between_seeds(generator: torch.nn.Module) -> None:
    images = drawn(generator, 2 * BLOCK)
    assert len(np.unique(images, axis=0)) == 2 * BLOCK
    assert not np.array_equal(images, drawn(generator, 2 * BLOCK, seed=4))


def test_synthesis_leaves_the_network_unchanged(generator: torch.nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    generator.train()
    first = drawn(generator, 70)
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())
    assert np.array_equal(first, drawn(generator, 70))


def test_to_uint8_and_back_is_exact() -> None:
    levels = torch.arange(256).reshape(1, 1, 16, 16).repeat(1, 3, 1, 1)
    assert np.array_equal(to_uint8(levels / 127.5 - 1.0)[0, :, :, 0].ravel(), np.arange(256))
    assert to_uint8(torch.full((1, 3, 1, 1), 1.1)).max() == 255


def test_synthesis_block_noise_is_reproducible(generator: torch.nn.Module) -> None:
    def noise(
        _: torch.nn.Module, latents: torch.Tensor, rng: torch.Generator, c: ClassCondition | None = None
    ) -> torch.Tensor:
        assert c is None
        return torch.rand(len(latents), 3, 4, 4, generator=rng) * 2 - 1

    def noises(count: int, seed: int) -> NDArray[np.uint8]:
        blocks = synthesise(generator, seed=seed, count=count, device=CPU, sampler=noise)
        return np.concatenate(list(blocks))

    images = noises(2 * BLOCK, 3)
    assert len(np.unique(images, axis=0)) == 2 * BLOCK
    assert np.array_equal(noises(BLOCK + 5, 3), images[: BLOCK + 5])
    assert not np.array_equal(noises(2 * BLOCK, 4), images)
