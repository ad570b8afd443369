"""The training loop of PyTorch's DCGAN example, which a user would take without pathgen.

Plain float32 in torch's own memory format. The discriminator ends in a sigmoid, every loss is fetched at
every step, and the generator's step also computes the gradients of the discriminator's weights. The networks
are those of the published study, so that only the training loop differs.

Source: https://github.com/pytorch/examples, dcgan.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader

from benchmarks.harness import Steps
from benchmarks.patches import Images
from pathgen.core.torchvision_import import torchvision
from pathgen.gan.generators.dcgan import GENERATOR, init_weights

WORKERS = 2  # the example's default


def memory_batches(images: Images, batch_size: int) -> Iterator[torch.Tensor]:
    """Yield shuffled float32 batches (N, 3, H, W) in [-1, 1] of images (M, H, W, 3), M >= N, without end."""
    ready = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1.0
    order = torch.Generator().manual_seed(1)
    while True:
        for rows in torch.randperm(len(ready), generator=order).split(batch_size):
            if len(rows) == batch_size:
                yield ready[rows]


def folder_batches(folder: Path, batch_size: int, side_px: int) -> Iterator[torch.Tensor]:
    """Yield such batches from PNG files by ImageFolder and DataLoader, as the example does."""
    steps = torchvision.transforms
    chain = [steps.Resize(side_px), steps.CenterCrop(side_px), steps.ToTensor()]
    transform = steps.Compose([*chain, steps.Normalize((0.5,) * 3, (0.5,) * 3)])
    images = torchvision.datasets.ImageFolder(str(folder), transform=transform)
    # Forked, as in a script of one process on Linux; this process was spawned and would spawn them.
    loader = DataLoader(
        images, batch_size, shuffle=True, num_workers=WORKERS, drop_last=True, multiprocessing_context="fork"
    )
    while True:
        for batch, _ in loader:
            yield batch


def train(recipe: Any, side_px: int, device: torch.device, batches: Iterable[torch.Tensor]) -> Steps:
    """Train on each batch; yield its number of images once its losses are known."""
    generator, discriminator = GENERATOR.networks(recipe, side_px)
    for seed, network in enumerate((generator, discriminator)):
        init_weights(network, seed)
        network.to(device)
    criterion = nn.BCELoss()
    adam_g, adam_d = (
        torch.optim.Adam(network.parameters(), lr=0.0002, betas=(0.5, 0.999))
        for network in (generator, discriminator)
    )

    def backward(images: torch.Tensor, target: float) -> None:
        outputs = discriminator(images).sigmoid()
        loss = criterion(outputs, torch.full_like(outputs, target))
        loss.backward()
        # The example prints both at every step.
        outputs.mean().item(), loss.item()

    for batch in batches:
        real = batch.to(device)
        discriminator.zero_grad()
        backward(real, 1.0)
        fake = generator(torch.randn(len(real), recipe.latent_dim, device=device))
        backward(fake.detach(), 0.0)
        adam_d.step()
        generator.zero_grad()
        backward(fake, 1.0)
        adam_g.step()
        yield len(real)
