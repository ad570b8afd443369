"""Training scripts that a user would take without pathgen: PNG files, plain float32, torch's memory format.

The networks are those of pathgen, so that only data and training loop differ.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from benchmarks.harness import Steps
from benchmarks.patches import Images
from pathgen.core.torchvision_import import torchvision
from pathgen.gan.generators.dcgan import GENERATOR, init_weights

WORKERS = 2  # default of PyTorch's DCGAN example


def write_folder(folder: Path, images: Images) -> None:
    """Write images as PNG files, in turn normal and tumor."""
    for number, image in enumerate(images):
        file = folder / ("normal", "tumor")[number % 2] / f"{number:05d}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(file)


def folder_batches(folder: Path, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield shuffled float32 batches (N, 3, H, W) in [-1, 1] of such files, and classes, without end."""
    steps = torchvision.transforms
    transform = steps.Compose([steps.ToTensor(), steps.Normalize((0.5,) * 3, (0.5,) * 3)])
    images = torchvision.datasets.ImageFolder(str(folder), transform=transform)
    # Forked, as in a script of one process on Linux; this process was spawned and would spawn them.
    loader = DataLoader(
        images, batch_size, shuffle=True, num_workers=WORKERS, drop_last=True, multiprocessing_context="fork"
    )
    while True:
        yield from loader


def memory_batches(images: Images, batch_size: int) -> Iterator[Tensor]:
    """Yield such batches of images (M, H, W, 3) in memory, M a multiple of N, without classes."""
    ready = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1.0
    rng = np.random.default_rng(1)
    while True:
        for rows in torch.from_numpy(rng.permutation(len(ready))).split(batch_size):
            yield ready[rows]


def train_classifier(
    model: nn.Module, optimizer: Any, device: torch.device, batches: Iterable[tuple[Tensor, Tensor]]
) -> Steps:
    """Train on each batch; yield its number of images."""
    for inputs, labels in batches:
        optimizer.zero_grad()
        functional.nll_loss(model(inputs.to(device)), labels.to(device)).backward()
        optimizer.step()
        yield len(labels)


def train_dcgan(recipe: Any, side_px: int, device: torch.device, batches: Iterable[Tensor]) -> Steps:
    """Train as PyTorch's DCGAN example; yield the number of images of a batch once its losses are known.

    The discriminator ends in a sigmoid, every loss is fetched at every step, and the generator's step also
    computes the gradients of the discriminator's weights.

    Source: https://github.com/pytorch/examples, dcgan.
    """
    generator, discriminator = GENERATOR.networks(recipe, side_px)
    for seed, network in enumerate((generator, discriminator)):
        init_weights(network, seed)
        network.to(device)
    criterion = nn.BCELoss()
    adam_g, adam_d = (
        torch.optim.Adam(network.parameters(), lr=0.0002, betas=(0.5, 0.999))
        for network in (generator, discriminator)
    )

    def backward(images: Tensor, target: float) -> None:
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
