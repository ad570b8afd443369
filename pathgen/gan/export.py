"""Write the results of a training and synthetic patch sets to their folders."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pathgen.core.files import atomic_folder
from pathgen.gan.gan_checkpoint import TrainedGan, save_gan
from pathgen.gan.generators.interface import FP32, Precision
from pathgen.gan.loaded_generator import SamplePlan, load_generator
from pathgen.gan.sample_cache import cached_samples
from pathgen.gan.settings import SynthesiseSettings
from pathgen.patches.image_grid import save_png
from pathgen.patches.parquet import write_csv
from pathgen.patches.store import write_patch_set

_SELECTED_BY = "selected_by"


def save_training(trained: TrainedGan, models: Mapping[str, Path], results: Path) -> None:
    """Write the checkpoints, the training curves and the sample grids.

    Args:
        trained: Result of `train_generator`.
        models: Folder of the checkpoint by label: one, or all labels of a joint pair in class order.
        results: Folder of ``history.csv``, ``overfitting.csv``, ``samples.png`` (the last grid) and
            ``progress/``.
    """
    for index, (label, folder) in enumerate(models.items()):
        save_gan(folder, trained, label, index)
    with atomic_folder(results / "progress") as draft:
        for kimg, grid in trained.sample_grids:
            save_png(grid, draft / f"{round(kimg * 1000):09d}_images.png")
    save_png(trained.sample_grids[-1][1], results / "samples.png")
    write_csv(trained.history, results / "history.csv")
    write_csv(trained.overfitting, results / "overfitting.csv")


def write_synthetic_set(
    cache: Path,
    checkpoint: Path,
    folder: Path,
    *,
    generator: str,
    label: str,
    settings: SynthesiseSettings,
    device: torch.device,
    precision: Precision = FP32,
) -> None:
    """Write a synthetic patch set; memory does not grow with its size.

    Args:
        cache: Folder of all sample caches (see `cached_samples`).
        checkpoint: Folder of the trained generator.
        folder: The patch set, replaced when it is complete.
        generator: Name of the generator, for its sampling settings and the index.
        label: Class that it draws.
        settings: Section `synthesise`. A set with a larger `per_class` begins with the smaller one.
        device: Device of the sampling.
        precision: Arithmetic of the sampling.
    """
    patches = cached_samples(
        cache,
        load_generator(checkpoint, device=device),
        SamplePlan.of(settings, generator, precision),
        settings.per_class,
        desc=f"synthesise {generator}-{label}",
    )
    index = pd.DataFrame({"item": np.arange(len(patches), dtype=np.int64)})
    index = index.assign(label=label, generator=generator, seed=np.int64(settings.seed))
    if settings.best_of > 1:
        index[_SELECTED_BY] = f"discriminator, best of {settings.best_of}"
    size = settings.batch_size
    batches = (patches[start : start + size] for start in range(0, len(patches), size))
    write_patch_set(folder, index, patches.shape[1], batches)


def selected_by(index: pd.DataFrame) -> str | None:
    """Return what selected the patches of a synthetic set; None without a selection.

    A discriminator has learned from original patches: a set that it selected may leak more of them.

    Args:
        index: Table of the set.
    """
    return str(index[_SELECTED_BY].iloc[0]) if _SELECTED_BY in index.columns else None


def example_for_signature(image_size: int) -> tuple[pd.DataFrame, NDArray[np.uint8]]:
    """Return a small input and output of the served model (see `pathgen.gan.served_generator`)."""
    return (
        pd.DataFrame({"seed": [1], "count": [2]}),
        np.zeros((2, image_size, image_size, 3), dtype=np.uint8),
    )
