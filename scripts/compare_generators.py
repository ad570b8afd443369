"""Train generators for the same time on the same patches, sample from them and compare the samples.

For a study with extracted patches. The generators train at the same time, each in its own process on one
thread; a short trial determines the number of images.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.gan.dataset import GanDataset
from pathgen.gan.gan_checkpoint import TrainedGan
from pathgen.gan.generators import load
from pathgen.gan.generators.interface import Precision
from pathgen.gan.loop import train_generator
from pathgen.gan.settings import TrainGanSettings
from pathgen.gan.synthesis import synthesise
from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.metrics.fidelity.frechet import frechet_distance
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import open_patch_set
from scripts.grids import page, titled

TRIAL_STEPS = 40
CPU = torch.device("cpu")


def originals(label: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return training patches, and held-out patches of other slides, uint8 (N, H, W, 3)."""
    roles = ("train", "valid", "test")
    train, *held_out = (open_patch_set(layout.PATCHES / role).of_label(label).images for role in roles)
    return train, np.concatenate(held_out)


def train(name: str, label: str, minutes: float) -> tuple[NDArray[np.uint8], str]:
    """Train a generator for about `minutes`; return as many samples as held-out patches, and a summary."""
    torch.set_num_threads(1)
    recipe = load_section("train_gan", TrainGanSettings).recipe(name)
    images, held_out = originals(label)
    data, precision = GanDataset(images, held_out), Precision("fp32", channels_last=True)

    def timed(kimg: float) -> tuple[TrainedGan, float]:
        start = time.perf_counter()
        settings = recipe.model_copy(update={"kimg": kimg})
        trained = train_generator(data, settings, device=CPU, precision=precision, snapshot_every_kimg=1e9)
        return trained, time.perf_counter() - start

    trial = TRIAL_STEPS * recipe.batch_size / 1000
    _, seconds = timed(trial)
    trained, seconds = timed(trial * minutes * 60 / seconds)
    spec = load(recipe.network)
    sampler = spec.sampler(spec.sampling())
    samples = synthesise(trained.generator, seed=1, count=len(held_out), device=CPU, sampler=sampler)
    summary = f"{trained.history['kimg'].iloc[-1]:.1f} kimg in {seconds / 60:.1f} minutes"
    return np.concatenate(list(samples)), summary


def main(out: Path, minutes: float = 20.0, label: str = "tumor", generators: str = "dcgan,stylegan2") -> None:
    """Train generators, compare them, and write their samples and grids.png to the folder OUT."""
    out.mkdir(parents=True, exist_ok=True)
    names = generators.split(",")
    with ProcessPoolExecutor(len(names), mp_context=get_context("spawn")) as pool:
        runs = {name: pool.submit(train, name, label, minutes) for name in names}
    images, held_out = originals(label)
    features = texture_v1(held_out)
    print(f"floor: {frechet_distance(texture_v1(images[: len(held_out)]), features):.1f} (training patches)")
    sheets = [titled(patch_grid(images[:64], 8, scale=2), "original")]
    for name, run in runs.items():
        samples, summary = run.result()
        np.save(out / f"{name}.npy", samples)
        print(f"{name}: {summary}, distance {frechet_distance(texture_v1(samples), features):.1f}")
        sheets.append(titled(patch_grid(samples[:64], 8, scale=2), name))
    page(sheets, columns=len(sheets)).save(out / "grids.png")


if __name__ == "__main__":
    typer.run(main)
