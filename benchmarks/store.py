"""Compare a patch set with a folder of PNG files: reading of shuffled batches, and ``dvc add``."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

from benchmarks.harness import Result, rate, report
from benchmarks.patches import Images, tissue
from pathgen.core.torchvision_import import torchvision
from pathgen.export.api import export_patch_set
from pathgen.patches.store import open_patch_set, write_patch_set

SIDE_PX, BATCH, EPOCHS, WORKERS = 64, 256, 3, 4


def cut_patches(count: int) -> Iterator[Images]:
    """Yield batches of patches at random places of the tissue, `count` patches in all."""
    pieces, rng = tissue(), np.random.default_rng(2)
    for start in range(0, count, BATCH):
        piece = rng.integers(0, len(pieces), min(BATCH, count - start))
        corner = rng.integers(0, pieces.shape[1] - SIDE_PX, (len(piece), 2))
        rows, columns = (corner[:, [axis]] + np.arange(SIDE_PX) for axis in (0, 1))
        yield pieces[piece[:, None, None], rows[:, :, None], columns[:, None, :]]


def write_set(folder: Path, count: int) -> None:
    """Write a patch set of two classes."""
    labels = np.where(np.arange(count) % 2, "tumor", "normal")
    index = pd.DataFrame({"item": np.arange(count), "label": labels})
    write_patch_set(folder, index, SIDE_PX, cut_patches(count))


def read_set(folder: Path) -> None:
    """Read shuffled batches as the trainings do: each batch in the order of the file."""
    patches = open_patch_set(folder)
    for epoch in range(EPOCHS):
        order = np.random.default_rng(epoch).permutation(len(patches))
        for start in range(0, len(order), BATCH):
            torch.from_numpy(patches.images[np.sort(order[start : start + BATCH])])


def read_folder(folder: Path, workers: int) -> None:
    """Read shuffled batches with ImageFolder and DataLoader."""
    images = torchvision.datasets.ImageFolder(str(folder), transform=torchvision.transforms.PILToTensor())
    for _ in DataLoader(images, batch_size=BATCH, shuffle=True, num_workers=workers):
        pass


def dvc_add(project: Path, data: Path) -> Result:
    """Move `data` into a DVC project and add it; return the time."""
    shutil.move(data, project / data.name)
    command = ("dvc", "add", "--quiet", data.name)
    added = rate(data.name, "folders", 1, lambda: subprocess.run(command, cwd=project, check=True))
    return Result(f"dvc add, {data.name}", 1 / added.value, "s", added.cpu_s)


# By default as many patches as the published study trains on, 860 MB.
def main(patches: int = 70_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project, patch_set, pngs = folder / "project", folder / "set", folder / "png"
        project.mkdir()
        subprocess.run(("dvc", "init", "--no-scm", "--quiet"), cwd=project, check=True)
        write_set(patch_set, patches)
        export_patch_set(patch_set, pngs, "imagefolder")
        ours = rate("patch set", "patches", patches * EPOCHS, lambda: read_set(patch_set))
        alone = rate("PNG folder, ImageFolder", "patches", patches, lambda: read_folder(pngs, 0))
        workers = f"PNG folder, ImageFolder, {WORKERS} workers"
        several = rate(workers, "patches", patches, lambda: read_folder(pngs, WORKERS))
        added, added_pngs = dvc_add(project, patch_set), dvc_add(project, pngs)
    ratios = {
        "vs_png_folder": ours.value / alone.value,
        f"vs_png_folder_{WORKERS}_workers": ours.value / several.value,
        "dvc_add_vs_png_folder": added_pngs.value / added.value,
    }
    report([ours, alone, several, added, added_pngs], ratios)
