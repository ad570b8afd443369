"""Training and drawing: this suite against the PyTorch example's loop, and against plain float32.

``python -m benchmarks.gan_training [--device cuda]``. Networks and batch of the published study at 64 px.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

if __package__ in {None, ""}:  # as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.arithmetic import Arithmetic, Steps, fastest, operations_per_image, profile_of, rates
from benchmarks.dcgan_example import Example, folder_batches, memory_batches
from benchmarks.measuring import Result, show
from pathgen.compute import apply_compute
from pathgen.gan import synthesis
from pathgen.gan.architecture import PlayersInTraining
from pathgen.gan.recipe import GanRecipe
from pathgen.gan.registry import GENERATORS
from pathgen.gan.stream import ImageStream
from pathgen.gan.stylegan2.recipe import StyleGan2Recipe
from pathgen.seeding import torch_generator

SIDE_PX = 64
DCGAN = {"width": 64, "latent_dim": 100}
# The published study: 35,008 patches per class, 400 epochs, in 5 h 49 min on eight V100 for both classes.
STUDY_IMAGES = 2 * 35_008 * 400
EXAMPLE_WORKERS = 2  # the example's default
PNGS = 1024
STYLEGAN2_BATCH = 64


def dcgan_recipe(batch_size: int) -> GanRecipe:
    """Return the published study's numbers."""
    return GanRecipe(batch_size, 1.0, 0.0002, 0.0002, 0.5, 0.999, 1.0, 0.0, "none", seed=1)


def stylegan2_recipe(batch_size: int) -> StyleGan2Recipe:
    """Return the papers' numbers."""
    return StyleGan2Recipe(
        batch_size=batch_size, kimg=1.0, lr_generator=0.0025, lr_discriminator=0.0025, beta1=0.0, beta2=0.99,
        r1_gamma=0.0128, r1_interval=16, path_weight=2.0, path_interval=4, path_decay=0.01, mixing=0.9,
        ema_kimg=20.0, ema_ramp=0.05, ada_target=0.6, ada_kimg=500.0, augment="none", seed=1,
    )  # fmt: skip


def players_of(
    name: str, options: dict[str, int], recipe: GanRecipe | StyleGan2Recipe, arithmetic: Arithmetic
) -> PlayersInTraining:
    """Build a pair in training as the training loop does."""
    built = GENERATORS[name]
    return built.players(
        built,
        image_size=SIDE_PX,
        options=options,
        recipe=recipe,
        device=arithmetic.device,
        bf16=arithmetic.precision == "bf16",
        channels_last=arithmetic.channels_last,
    )


def our_steps(
    players: PlayersInTraining,
    images: NDArray[np.uint8],
    latent_dim: int,
    batch_size: int,
    device: torch.device,
) -> Steps:
    """Train as `train_generator` does between two records."""
    stream = ImageStream(images, batch_size=batch_size, augment="none", seed=1, device=device)
    for number in count():
        latents = torch.randn(batch_size, latent_dim, generator=torch_generator(1, "noise", number)).to(
            device
        )
        players.step(stream.batch(number), latents, number=number)
        yield batch_size


def our_drawing(generator: torch.nn.Module, arithmetic: Arithmetic) -> Steps:
    """Draw as the stage does."""
    how = synthesis.Arithmetic(arithmetic.precision, arithmetic.channels_last)
    drawn = synthesis.synthesise(
        generator, seed=1, count=10**9, batch_size=256, device=arithmetic.device, arithmetic=how
    )
    for images in drawn:
        yield len(images)


@torch.no_grad()
def plain_drawing(generator: torch.nn.Module, device: torch.device) -> Steps:
    """Draw as a few plain lines would."""
    generator.to(device).eval()
    while True:
        latents = torch.randn(256, DCGAN["latent_dim"], device=device)
        yield len(synthesis.to_uint8(generator(latents)))


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch", type=int, default=256, help="originals per step (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=8.0, help="per contender and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--channel-base", type=int, help="of StyleGAN2 (default: 2048 on a CPU, else 16384)")
    parser.add_argument("--no-png", action="store_true", help="leave out what needs torchvision")
    wanted = parser.parse_args(arguments)
    device = apply_compute(device=wanted.device, threads=0)
    arithmetic = fastest(device)
    plain = replace(arithmetic, precision="fp32", channels_last=False)
    images = np.random.default_rng(1).integers(0, 256, (4096, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    batch, base = wanted.batch, wanted.channel_base or (16384 if device.type == "cuda" else 2048)
    style = {"channel_base": base, "channel_max": 512, "latent_dim": 512, "mapping_layers": 8}
    style["minibatch_group"] = 4
    paired = min(batch, STYLEGAN2_BATCH)
    players = players_of("dcgan", DCGAN, dcgan_recipe(batch), arithmetic)
    ours = our_steps(players, images, DCGAN["latent_dim"], batch, device)
    pair = {
        side: our_steps(
            players_of("stylegan2", style, stylegan2_recipe(paired), how),
            images,
            style["latent_dim"],
            paired,
            device,
        )
        for side, how in (("this suite", arithmetic), ("plain float32", plain))
    }
    example = partial(Example, side_px=SIDE_PX, device=device, **DCGAN)
    timed = partial(rates, seconds=wanted.seconds, rounds=wanted.rounds, device=device)
    with tempfile.TemporaryDirectory() as folder:
        contenders = {
            "DCGAN, this suite": ours,
            "DCGAN, example, in memory": example().train(memory_batches(images, batch)),
        }
        if not wanted.no_png:
            _write_pngs(Path(folder) / "patches", images[:PNGS])
            pngs = folder_batches(Path(folder), batch, EXAMPLE_WORKERS, SIDE_PX)
            contenders["DCGAN, example, PNG files"] = example().train(pngs)
        dcgan = timed(contenders)
        contenders.clear()
    stylegan2 = timed({f"StyleGAN2, {side}": steps for side, steps in pair.items()})
    generator = GENERATORS["dcgan"].generator(image_size=SIDE_PX, **DCGAN)
    drawing = timed(
        {
            "drawing, this suite": our_drawing(generator, arithmetic),
            "drawing, plain float32": plain_drawing(example().generator, device),
        }
    )
    operations = operations_per_image(lambda: next(ours))
    floor = arithmetic.product_rate / operations
    whole_study = [
        Result("DCGAN, operations per image", operations / 1e9, "G", 0.0),
        Result(f"matrix products, {arithmetic.precision}", arithmetic.product_rate / 1e9, "Gop/s", 0.0),
        Result("DCGAN, at that rate", floor, "images/s", 0.0),
        Result("both GANs of the study, this suite", STUDY_IMAGES / dcgan[0].value / 60, "min", 0.0),
    ]
    shares = profile_of(lambda: next(ours), device, "DCGAN")
    ratios = {
        "dcgan_vs_example_in_memory": dcgan[0].value / dcgan[1].value,
        **({} if wanted.no_png else {"dcgan_vs_example": dcgan[0].value / dcgan[2].value}),
        "dcgan_of_product_rate": dcgan[0].value / floor,
        "stylegan2_vs_fp32": stylegan2[0].value / stylegan2[1].value,
        "synthesis_vs_fp32": drawing[0].value / drawing[1].value,
    }
    name = torch.cuda.get_device_name() if device.type == "cuda" else None
    show([*dcgan, *stylegan2, *drawing, *whole_study, *shares], ratios, wanted.json, name)


def _write_pngs(folder: Path, images: NDArray[np.uint8]) -> None:
    folder.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number:05d}.png")


if __name__ == "__main__":
    main()
