"""Write what a training or a draw leaves where the pipeline expects it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pathgen.core.files import atomic_folder
from pathgen.gan.checkpoint import save_gan
from pathgen.gan.result import TrainedGan
from pathgen.gan.sample_cache import drawn_patches, in_batches
from pathgen.gan.synthesis import PLAIN, Arithmetic
from pathgen.patches.image_grid import save_png
from pathgen.patches.parquet import write_csv
from pathgen.patches.store import PatchSetWriter

_SELECTED_BY = "selected_by"


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
    store: Path,
    checkpoint: Path,
    folder: Path,
    *,
    generator: str,
    label: str,
    seed: int,
    per_class: int,
    batch_size: int,
    device: torch.device,
    best_of: int = 1,
    drawing: Mapping[str, object] | None = None,
    arithmetic: Arithmetic = PLAIN,
) -> None:
    """Draw patches into a patch set; memory does not grow with the pixels.

    Args:
        store: Where drawn patches are kept for a larger set, see `drawn_patches`.
        checkpoint: Folder of the trained generator.
        folder: The patch set; replaced when complete.
        generator: Its name, for the index.
        label: The class it draws.
        seed: Of the latents.
        per_class: How many patches; a larger set begins with the smaller one.
        batch_size: Patches written at a time; changes no result.
        device: Where to compute.
        best_of: See `LoadedGenerator.sample`; more than 1 is marked in the index, see `selected_by`.
        drawing: Settings of drawing that only this generator has.
        arithmetic: What to compute with.
    """
    patches = drawn_patches(
        store,
        checkpoint,
        seed=seed,
        count=per_class,
        device=device,
        best_of=best_of,
        drawing=drawing,
        arithmetic=arithmetic,
        what=f"synthesise {generator}-{label}",
    )
    with PatchSetWriter(folder, per_class, patches.shape[1]) as writer:
        for images in in_batches(patches, batch_size):
            writer.append(images)
        columns = {"label": label, "generator": generator, "seed": np.int64(seed)}
        if best_of > 1:
            columns[_SELECTED_BY] = f"discriminator, best of {best_of}"
        writer.finish(pd.DataFrame({"item": np.arange(per_class, dtype=np.int64), **columns}))


def selected_by(index: pd.DataFrame) -> str | None:
    """Return what chose the patches of a synthetic set, None where nothing did.

    A discriminator has learnt from patients' patches: what it chose may give away more of them.

    Args:
        index: The set's table.
    """
    return str(index[_SELECTED_BY].iloc[0]) if _SELECTED_BY in index.columns else None


def example_for_signature(trained: TrainedGan) -> tuple[pd.DataFrame, NDArray[np.uint8]]:
    """Return a small input and output of the model as it is served, see `pathgen.gan.serving`."""
    side = trained.image_size
    return pd.DataFrame({"seed": [1], "count": [2]}), np.zeros((2, side, side, 3), dtype=np.uint8)
