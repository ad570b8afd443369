"""Training and drawing: this suite against the PyTorch example's loop, and against plain float32.

``python -m benchmarks.gan_training [--device cuda]``. Networks and batch of the published study at 64 px.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

if __package__ in {None, ""}:  # as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.arithmetic import Arithmetic, fastest, operations_per_image, profile_of
from benchmarks.dcgan_example import Example, folder_batches, memory_batches
from benchmarks.measuring import Result, show
from benchmarks.turns import Contender, Steps, in_turns
from pathgen.core.seeding import torch_generator
from pathgen.gan import synthesis
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators import load
from pathgen.gan.generators.base import GeneratorSettings, Precision
from pathgen.training.compute import apply_compute

SIDE_PX = 64
LATENT_DIM = 100
# The published study: 35,008 patches per class, 400 epochs, in 5 h 49 min on eight V100 for both classes.
STUDY_IMAGES = 2 * 35_008 * 400
EXAMPLE_WORKERS = 2  # the example's default
PATCHES, PNGS = 4096, 1024
STYLEGAN2_BATCH = 64


def dcgan_recipe(batch_size: int, width: int) -> GeneratorSettings:
    """Return the recipe of the published study."""
    return load("dcgan").settings.model_validate(
        {
            "network": "dcgan",
            "seed": 1,
            "augment": "none",
            "width": width,
            "latent_dim": LATENT_DIM,
            "batch_size": batch_size,
            "kimg": 1.0,
            "lr_generator": 0.0002,
            "lr_discriminator": 0.0002,
            "beta1": 0.5,
            "beta2": 0.999,
            "real_target": 1.0,
            "ema_decay": 0.0,
        }
    )


def stylegan2_recipe(batch_size: int, channel_base: int) -> GeneratorSettings:
    """Return the recipe of the papers."""
    return load("stylegan2").settings.model_validate(
        {
            "network": "stylegan2",
            "seed": 1,
            "augment": "none",
            "channel_base": channel_base,
            "channel_max": 512,
            "latent_dim": 512,
            "mapping_layers": 8,
            "minibatch_group": 4,
            "batch_size": batch_size,
            "kimg": 1.0,
            "lr_generator": 0.0025,
            "lr_discriminator": 0.0025,
            "beta1": 0.0,
            "beta2": 0.99,
            "r1_gamma": 0.0128,
            "r1_interval": 16,
            "path_weight": 2.0,
            "path_interval": 4,
            "path_decay": 0.01,
            "mixing": 0.9,
            "ema_kimg": 20.0,
            "ema_ramp": 0.05,
            "ada_target": 0.6,
            "ada_kimg": 500.0,
        }
    )


@dataclass(frozen=True)
class Pair:
    """A recipe and the arithmetic that it is trained with."""

    recipe: GeneratorSettings
    arithmetic: Arithmetic

    @property
    def precision(self) -> Precision:
        """Precision as trainer and sampler take it."""
        return Precision(self.arithmetic.precision, self.arithmetic.channels_last)

    @property
    def generator(self) -> torch.nn.Module:
        """A generator with the initial weights."""
        return load(self.recipe.network).initialised(self.recipe, SIDE_PX)[0]


def noise() -> NDArray[np.uint8]:
    """Return the originals of all contenders: which pixels they have costs nothing."""
    return np.random.default_rng(1).integers(0, 256, (PATCHES, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)


def plain_steps(pair: Pair) -> Steps:
    """Train as `train_generator` does between two logs, in a process with torch's defaults."""
    recipe, device, spec = pair.recipe, pair.arithmetic.device, load(pair.recipe.network)
    data = GanDataset(noise(), noise()[:0])
    networks = spec.initialised(recipe, SIDE_PX)
    trainer = spec.trainer(*networks, recipe, data, device=device, precision=pair.precision)
    loader = spec.loader(data, recipe, device)
    for step in count():
        z = torch.randn(recipe.batch_size, recipe.latent_dim, generator=torch_generator(1, "noise", step))
        trainer.step(loader.batch(step), z.to(device), step=step)
        yield recipe.batch_size


def our_steps(pair: Pair) -> Steps:
    """Train as the stage does."""
    apply_compute(device=pair.arithmetic.device.type, threads=0)
    yield from plain_steps(pair)


def example(pair: Pair, folder: Path | None) -> Steps:
    """Train as the example does, from PNG files or with all originals in memory."""
    batch = pair.recipe.batch_size
    batches = (
        folder_batches(folder, batch, EXAMPLE_WORKERS, SIDE_PX) if folder else memory_batches(noise(), batch)
    )
    yield from Example(pair.recipe, SIDE_PX, pair.arithmetic.device).train(batches)


def our_drawing(pair: Pair) -> Steps:
    """Draw as the stage does."""
    device = apply_compute(device=pair.arithmetic.device.type, threads=0)
    drawn = synthesis.synthesise(
        pair.generator, seed=1, count=10**9, batch_size=256, device=device, precision=pair.precision
    )
    for images in drawn:
        yield len(images)


@torch.no_grad()
def plain_drawing(pair: Pair) -> Steps:
    """Draw as a few plain lines would."""
    device = pair.arithmetic.device
    generator = pair.generator.to(device).eval()
    while True:
        latents = torch.randn(256, LATENT_DIM, device=device)
        yield len(synthesis.to_uint8(generator(latents)))


def floors(pair: Pair) -> tuple[list[Result], float, float]:
    """Return where a step's time goes, and what the products alone allow: images/s trained and drawn."""
    steps = our_steps(pair)
    next(steps)
    trained = operations_per_image(lambda: next(steps))
    drawing = our_drawing(pair)
    drawn = operations_per_image(lambda: next(drawing))
    rate, device = pair.arithmetic.product_rate, pair.arithmetic.device
    told = [
        Result("DCGAN, operations per image", trained / 1e9, "G", 0.0),
        Result("drawing, operations per image", drawn / 1e9, "G", 0.0),
        Result(f"matrix products, {pair.arithmetic.precision}", rate / 1e9, "Gop/s", 0.0),
        Result("DCGAN, at that rate", rate / trained, "images/s", 0.0),
        Result("drawing, at that rate", rate / drawn, "images/s", 0.0),
        *profile_of(lambda: next(steps), device, "DCGAN"),
        *profile_of(lambda: next(drawing), device, "drawing"),
    ]
    return told, rate / trained, rate / drawn


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch", type=int, default=256, help="originals per step (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=8.0, help="per contender and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, default=64, help="of DCGAN (default %(default)s, as published)")
    parser.add_argument("--channel-base", type=int, help="of StyleGAN2 (default: 2048 on a CPU, else 16384)")
    parser.add_argument("--no-png", action="store_true", help="leave out what needs torchvision")
    wanted = parser.parse_args(arguments)
    device = torch.device(wanted.device)
    arithmetic = fastest(device)
    plain = replace(arithmetic, precision="fp32", channels_last=False)
    batch, base = wanted.batch, wanted.channel_base or (16384 if device.type == "cuda" else 2048)
    stylegan2 = Pair(stylegan2_recipe(min(batch, STYLEGAN2_BATCH), base), arithmetic)
    dcgan = Pair(dcgan_recipe(batch, wanted.width), arithmetic)
    timed = partial(in_turns, device=device, seconds=wanted.seconds, rounds=wanted.rounds)
    with tempfile.TemporaryDirectory() as folder:
        contenders: dict[str, Contender] = {
            "DCGAN, this suite": partial(our_steps, dcgan),
            "DCGAN, example, in memory": partial(example, dcgan, None),
        }
        if not wanted.no_png:
            _write_pngs(Path(folder) / "patches", noise()[:PNGS])
            contenders["DCGAN, example, PNG files"] = partial(example, dcgan, Path(folder))
        trained = timed(contenders)
    styled = timed(
        {
            "StyleGAN2, this suite": partial(our_steps, stylegan2),
            "StyleGAN2, plain float32": partial(plain_steps, replace(stylegan2, arithmetic=plain)),
        }
    )
    drawn = timed(
        {
            "drawing, this suite": partial(our_drawing, dcgan),
            "drawing, plain float32": partial(plain_drawing, dcgan),
        }
    )
    told, training_floor, drawing_floor = floors(dcgan)
    study = Result("both GANs of the study, this suite", STUDY_IMAGES / trained[0].value / 60, "min", 0.0)
    ratios = {
        "dcgan_vs_example_in_memory": trained[0].value / trained[1].value,
        **({} if wanted.no_png else {"dcgan_vs_example": trained[0].value / trained[2].value}),
        "dcgan_of_product_rate": trained[0].value / training_floor,
        "stylegan2_vs_fp32": styled[0].value / styled[1].value,
        "synthesis_vs_fp32": drawn[0].value / drawn[1].value,
        "synthesis_of_product_rate": drawn[0].value / drawing_floor,
    }
    name = torch.cuda.get_device_name() if device.type == "cuda" else None
    show([*trained, *styled, *drawn, study, *told], ratios, wanted.json, name)


def _write_pngs(folder: Path, images: NDArray[np.uint8]) -> None:
    folder.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number:05d}.png")


if __name__ == "__main__":
    main()
