"""An overfitted generator, as a positive control of memorisation.

Its samples are not copies: they are blurred and differ from each other, as those of a real generator. A GAN
that is trained too long on few patches would give the same, but not within minutes; a generator that is
trained to map each latent vector to one patch takes seconds.
"""

import itertools
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.privacy.neighbours import one_thread_each

_LATENT = 64
_WIDTH = 16
_MAX_CHANNELS = 128
_SMALLEST_PX = 4
_BATCH = 16
_STEPS = 200
_LEARNING_RATE = 4e-3
# Of the latent vectors, which are standard normal. A sample near the vector of a patch shows that patch.
_NOISE = 0.1


def _network(side: int, generator: torch.Generator) -> nn.Sequential:
    """Build transposed convolutions from a latent vector to at least `side` px, doubling from up to 4 px."""
    smallest, doublings = side, 0
    while smallest > _SMALLEST_PX:
        smallest, doublings = -(-smallest // 2), doublings + 1
    channels = [min(_WIDTH << stage, _MAX_CHANNELS) for stage in reversed(range(doublings))]
    layers: list[nn.Module] = [nn.ConvTranspose2d(_LATENT, channels[0], smallest)]
    for before, after in itertools.pairwise([*channels, 3]):
        layers += [nn.LeakyReLU(0.2), nn.ConvTranspose2d(before, after, 4, 2, 1)]
    for layer in layers:
        if isinstance(layer, nn.ConvTranspose2d):
            # Each output pixel sums over the channels and, from the second layer on, 2 x 2 pixels.
            inputs = layer.in_channels * (1 if layer is layers[0] else 4)
            nn.init.normal_(layer.weight, 0.0, (2 / inputs) ** 0.5, generator=generator)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return nn.Sequential(*layers, nn.Tanh())


def overfitted(images: NDArray[np.uint8], count: int, *, seed: int, device: str) -> NDArray[np.uint8]:
    """Overfit a small generator to patches and sample from it.

    The last results are kept in memory: all synthetic sets of a study are audited with the same control.

    Args:
        images: Training patches, uint8 (N, S, S, 3).
        count: Number of samples; sample i shows patch i modulo N.
        seed: Seed of weights, latent vectors and batches.
        device: Torch device of the training.

    Returns:
        Samples, uint8 (count, S, S, 3). They do not depend on the number of threads.

    Source:
        Bojanowski et al. 2018 (generative latent optimisation, arXiv 1707.05776): one latent vector per
        patch, squared error. Departures: the vectors are fixed, and noise is added to them.
    """
    return _overfitted(images.tobytes(), images.shape, count, seed, device).copy()


@lru_cache(maxsize=4)
@one_thread_each()
def _overfitted(
    pixels: bytes, shape: tuple[int, ...], count: int, seed: int, device: str
) -> NDArray[np.uint8]:
    images = np.frombuffer(pixels, np.uint8).reshape(shape)
    generator = torch.Generator().manual_seed(seed)
    side = images.shape[1]
    network = _network(side, generator).to(device)
    latents = torch.randn(len(images), _LATENT, generator=generator)
    targets = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).to(device).float() / 127.5 - 1.0

    def sample(rows: torch.Tensor) -> torch.Tensor:  # (B,) -> (B, 3, S, S)
        noise = torch.randn(len(rows), _LATENT, generator=generator)
        near = latents[rows] + _NOISE * noise
        made: torch.Tensor = network(near.to(device)[:, :, None, None])
        return made[:, :, :side, :side]

    optimiser = torch.optim.Adam(network.parameters(), _LEARNING_RATE)
    for _ in range(_STEPS):
        rows = torch.randint(len(images), (_BATCH,), generator=generator)
        optimiser.zero_grad(set_to_none=True)
        loss = (sample(rows) - targets[rows.to(device)]).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.inference_mode():
        made = sample(torch.arange(count) % len(images))
        grey = ((made + 1.0) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
    return np.asarray(grey.cpu().numpy())
