"""Compare the training of generators, and sampling, with PyTorch's DCGAN example and with plain float32.

DCGAN has the networks and the batch size of the published study at 64 px, StyleGAN2 the recipe of its papers.
"""

import tempfile
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import torch

from benchmarks import usual_scripts
from benchmarks.arithmetic import Arithmetic, fastest
from benchmarks.harness import Result, Steps, in_rounds, report
from benchmarks.patches import noise
from pathgen.core.profiles import read_profile
from pathgen.core.seeding import torch_generator
from pathgen.gan import synthesis
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators import load
from pathgen.gan.generators.interface import FP32, GeneratorSettings
from pathgen.gan.settings import TrainGanSettings
from pathgen.training.compute import apply_compute

SIDE_PX, PATCHES, PNGS = 64, 4096, 1024
# The published study: 35,008 patches per class, 400 epochs, two classes.
STUDY_IMAGES = 2 * 35_008 * 400
STYLEGAN2 = {
    **{"network": "stylegan2", "batch_size": 64, "kimg": 1.0, "minibatch_group": 4},
    **{"channel_max": 512, "latent_dim": 512, "mapping_layers": 8, "mixing": 0.9},
    **{"lr_generator": 0.0025, "lr_discriminator": 0.0025, "beta1": 0.0, "beta2": 0.99},
    **{"r1_gamma": 0.0128, "r1_interval": 16, "path_weight": 2.0, "path_interval": 4, "path_decay": 0.01},
    **{"ema_kimg": 20.0, "ema_ramp": 0.05, "ada_target": 0.6, "ada_kimg": 500.0},
}


@dataclass(frozen=True)
class Training:
    """A recipe and the arithmetic of its training."""

    recipe: GeneratorSettings
    arithmetic: Arithmetic

    @property
    def generator(self) -> torch.nn.Module:
        """Generator with initial weights."""
        return load(self.recipe.network).initialised(self.recipe, SIDE_PX)[0]


def plain_training(training: Training) -> Steps:
    """Train as `train_generator` does, in a process with torch's defaults; yield images per step."""
    recipe, device, spec = training.recipe, training.arithmetic.device, load(training.recipe.network)
    images = noise(PATCHES, SIDE_PX)
    data = GanDataset(images, images[:0])
    networks = spec.initialised(recipe, SIDE_PX)
    trainer = spec.trainer(*networks, recipe, data, device=device, precision=training.arithmetic.precision)
    loader = spec.loader(data, recipe, device)
    for step in count():
        z = torch.randn(recipe.batch_size, recipe.latent_dim, generator=torch_generator(1, "noise", step))
        trainer.step(loader.batch(step), z.to(device), step=step)
        yield recipe.batch_size


def pathgen_training(training: Training) -> Steps:
    """Train as the stage does; yield images per step."""
    apply_compute(device=training.arithmetic.device.type, threads=0)
    yield from plain_training(training)


def example_training(training: Training, folder: Path | None) -> Steps:
    """Train as PyTorch's example does, from PNG files or with all images in memory; yield images per step."""
    batch = training.recipe.batch_size
    if folder is None:
        batches = usual_scripts.memory_batches(noise(PATCHES, SIDE_PX), batch)
    else:
        batches = (images for images, _ in usual_scripts.folder_batches(folder, batch))
    yield from usual_scripts.train_dcgan(training.recipe, SIDE_PX, training.arithmetic.device, batches)


def pathgen_sampling(training: Training) -> Steps:
    """Sample as the stage does; yield images per block."""
    device = apply_compute(device=training.arithmetic.device.type, threads=0)
    sampled = synthesis.synthesise(
        training.generator, seed=1, count=10**9, device=device, precision=training.arithmetic.precision
    )
    yield from map(len, sampled)


@torch.no_grad()
def plain_sampling(training: Training) -> Steps:
    """Sample as a few plain lines would; yield images per batch."""
    device = training.arithmetic.device
    generator = training.generator.to(device).eval()
    while True:
        latents = torch.randn(256, training.recipe.latent_dim, device=device)
        yield len(synthesis.to_uint8(generator(latents)))


# `channel_base` of StyleGAN2 is 2048 on a CPU and 16384 on a GPU if it is 0.
def main(
    device: str = "cpu",
    batch: int = 256,
    seconds: float = 8.0,
    rounds: int = 3,
    width: int = 64,
    channel_base: int = 0,
) -> None:
    best = fastest(torch.device(device))
    plain = replace(best, precision=FP32)
    base = channel_base or (16384 if device == "cuda" else 2048)
    recipes = read_profile("paper-camelyon16")["train_gan"]
    own = {"dcgan": {"width": width}, "stylegan2": {**STYLEGAN2, "channel_base": base}}
    for name, recipe in own.items():
        own[name] = recipes["generators"].get(name, {}) | recipe
        own[name]["batch_size"] = min(batch, own[name]["batch_size"])
    settings = TrainGanSettings.model_validate(recipes | {"generators": own})
    dcgan = Training(settings.recipe("dcgan"), best)
    stylegan2 = Training(settings.recipe("stylegan2"), best)
    measure = partial(in_rounds, unit="images", rounds=rounds, seconds=seconds)
    with tempfile.TemporaryDirectory() as name:
        usual_scripts.write_folder(Path(name), noise(PNGS, SIDE_PX))
        trained = measure(
            {
                "DCGAN": partial(pathgen_training, dcgan),
                "DCGAN, example, PNG files": partial(example_training, dcgan, Path(name)),
                "DCGAN, example, in memory": partial(example_training, dcgan, None),
            }
        )
    styled = measure(
        {
            "StyleGAN2": partial(pathgen_training, stylegan2),
            "StyleGAN2, plain float32": partial(plain_training, replace(stylegan2, arithmetic=plain)),
        }
    )
    sampled = measure(
        {
            "sampling": partial(pathgen_sampling, dcgan),
            "sampling, plain float32": partial(plain_sampling, dcgan),
        }
    )
    training_limit = best.limit(pathgen_training(dcgan))
    sampling_limit = best.limit(pathgen_sampling(dcgan))
    dcgan_rate = trained.rate("DCGAN")
    results = [result for measured in (trained, styled, sampled) for result in measured.results()]
    results += [
        Result("DCGAN: limit by products", training_limit, "images/s"),
        Result("sampling: limit by products", sampling_limit, "images/s"),
        Result(f"matrix products, {best.precision.dtype}", best.product_rate / 1e9, "Gop/s"),
        Result("both DCGANs of the published study", STUDY_IMAGES / dcgan_rate / 3600, "h"),
    ]
    ratios = {
        "dcgan_vs_example": trained.ratio("DCGAN", "DCGAN, example, PNG files"),
        "dcgan_vs_example_in_memory": trained.ratio("DCGAN", "DCGAN, example, in memory"),
        "dcgan_of_product_rate": dcgan_rate / training_limit,
        "stylegan2_vs_fp32": styled.ratio("StyleGAN2", "StyleGAN2, plain float32"),
        "synthesis_vs_fp32": sampled.ratio("sampling", "sampling, plain float32"),
        "synthesis_of_product_rate": sampled.rate("sampling") / sampling_limit,
    }
    report(results, ratios, best.gpu)
