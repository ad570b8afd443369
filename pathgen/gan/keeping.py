"""Write what a training or a draw leaves where the pipeline expects it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.files import atomic_folder
from pathgen.gan.loop import TrainedGan
from pathgen.gan.model import save_gan
from pathgen.gan.synthesis import Drawer, plainly, synthesise
from pathgen.patches.picture import save_png
from pathgen.patches.store import PatchSetWriter
from pathgen.patches.tables import write_csv
from pathgen.progress import progress


def keep_training(trained: TrainedGan, models: Mapping[str, Path], results: Path) -> None:
    """Write the pair to `models`, and its curves and pictures to `results`.

    Args:
        trained: What `train_generator` returned.
        models: Label to the folder of the checkpoint that draws it, see `save_gan`: one, or all in the order
            of their class numbers where the pair learned several.
        results: Folder for ``history.csv``, ``overfitting.csv``, ``samples.png`` (the last grid) and
            ``progress/``.
    """
    for number, (label, folder) in enumerate(models.items()):
        save_gan(folder, _drawing(trained, number), {"label": label})
    with atomic_folder(results / "progress") as draft:
        for kimg, picture in trained.pictures:
            save_png(picture, draft / f"{round(kimg * 1000):09d}_images.png")
    save_png(trained.pictures[-1][1], results / "samples.png")
    write_csv(trained.history, results / "history.csv")
    write_csv(trained.overfitting, results / "overfitting.csv")


def _drawing(trained: TrainedGan, number: int) -> TrainedGan:
    """Return the pair as it is loaded to draw one class."""
    if "classes" not in trained.options:
        return trained
    return replace(trained, options={**trained.options, "label": number})


def keep_synthetic(
    generator: nn.Module,
    folder: Path,
    *,
    architecture: str,
    label: str,
    image_size: int,
    seed: int,
    per_class: int,
    batch_size: int,
    device: torch.device,
    draw: Drawer = plainly,
) -> None:
    """Draw patches into a patch set; memory does not grow with their number.

    Args:
        generator: The trained generator, see `synthesise`.
        folder: The patch set; replaced when complete.
        architecture: Name of the generator, for the index.
        label: The class it draws.
        image_size: Side of its patches, px.
        seed: Of the latents.
        per_class: How many patches; a larger set begins with the smaller one.
        batch_size: Patches handed over at a time; changes no result.
        device: Where to compute.
        draw: How latents become images, see `synthesise`.
    """
    index = pd.DataFrame(
        {
            "item": np.arange(per_class, dtype=np.int64),
            "label": label,
            "generator": architecture,
            "seed": np.int64(seed),
        }
    )
    with (
        progress(per_class, "patches", f"synthesise {architecture}-{label}") as bar,
        PatchSetWriter(folder, per_class, image_size) as writer,
    ):
        drawn = synthesise(
            generator, seed=seed, count=per_class, batch_size=batch_size, device=device, draw=draw
        )
        for images in drawn:
            writer.append(images)
            bar.update(len(images))
        writer.finish(index)


def example_for_signature(trained: TrainedGan) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return a small input and output of the model as it is served: latents, and patches (see `serving`)."""
    latents = np.zeros((2, trained.options["latent_dim"]), dtype=np.float32)
    side = trained.image_size
    return latents, np.zeros((2, side, side, 3), dtype=np.uint8)
