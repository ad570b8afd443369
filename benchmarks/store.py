"""Shuffled training batches, and `dvc add`: a patch set against a folder of PNGs as torchvision reads it."""

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader

from benchmarks.measuring import Result, rate, show
from pathgen.core.torchvision_import import torchvision
from pathgen.export.api import export_patch_set
from pathgen.patches.store import PatchSetWriter, open_patch_set

# As many as the published study trains on: 860 MB.
PATCHES = 70_000
SIDE_PX = 64
BATCH = 256
EPOCHS_OF_THE_SET = 3
WORKERS = 4
# Real patches at full resolution, where there are any; else noise that compresses as tissue does.
REAL_PATCHES = Path(__file__).resolve().parents[2] / "shared" / "data" / "camelyon16_patches_40x"


def _pictures() -> NDArray[np.uint8]:
    """Return pictures to cut patches from, uint8 of shape (n, 256, 256, 3)."""
    files = sorted(REAL_PATCHES.glob("*/*.png"))
    if files:
        return np.stack([np.asarray(Image.open(file).convert("RGB"), dtype=np.uint8) for file in files])
    rng = np.random.default_rng(1)
    coarse = rng.integers(90, 220, (16, 32, 32, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    return coarse + rng.integers(0, 24, coarse.shape, dtype=np.uint8)


def _patches(count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield `count` patches of SIDE_PX, no two from the same place of the same picture where possible."""
    pictures = _pictures()
    rng = np.random.default_rng(2)
    for start in range(0, count, BATCH):
        picture = rng.integers(0, len(pictures), min(BATCH, count - start))
        corner = rng.integers(0, pictures.shape[1] - SIDE_PX, (len(picture), 2))
        rows = corner[:, :1] + np.arange(SIDE_PX)
        columns = corner[:, 1:] + np.arange(SIDE_PX)
        yield pictures[picture[:, None, None], rows[:, :, None], columns[:, None, :]]


def _write_set(folder: Path, count: int) -> None:
    labels = np.where(np.arange(count) % 2, "tumor", "normal")
    with PatchSetWriter(folder, count, SIDE_PX) as writer:
        for images in _patches(count):
            writer.append(images)
        writer.finish(pd.DataFrame({"item": np.arange(count), "label": labels}))


def _read_set(folder: Path) -> None:
    patches = open_patch_set(folder)
    for epoch in range(EPOCHS_OF_THE_SET):
        order = np.random.default_rng(epoch).permutation(len(patches))
        for start in range(0, len(order), BATCH):
            # As the trainings do: the order within a batch says nothing, and memory is read forwards.
            rows = np.sort(order[start : start + BATCH])
            batch = torch.from_numpy(patches.images[rows])
            assert batch.shape[1:] == (SIDE_PX, SIDE_PX, 3)


def _read_folder(folder: Path, workers: int) -> None:
    images = torchvision.datasets.ImageFolder(str(folder), transform=torchvision.transforms.PILToTensor())
    for _ in DataLoader(images, batch_size=BATCH, shuffle=True, num_workers=workers):
        pass


def _dvc_project(folder: Path) -> None:
    folder.mkdir()
    for command in (
        ("dvc", "init", "--no-scm", "--quiet"),
        ("dvc", "config", "core.analytics", "false"),
    ):
        subprocess.run(command, cwd=folder, check=True)


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of one call of `work`, and the processor seconds with those of other processes."""
    before = psutil.Process().cpu_times()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    after = psutil.Process().cpu_times()
    # user, system, and those of the processes that were started and have ended
    return seconds, sum(after[:4]) - sum(before[:4])


def _add(project: Path, data: Path) -> Result:
    shutil.move(data, project / data.name)
    seconds, cpu = _timed(
        lambda: subprocess.run(("dvc", "add", "--quiet", data.name), cwd=project, check=True)
    )
    return Result(f"dvc add, {data.name}", seconds, "s", cpu)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--patches", type=int, default=PATCHES, help="how many patches (default %(default)s)")
    parser.add_argument("--folder", type=Path, help="where to work (default: the folder for temporary files)")
    wanted = parser.parse_args(arguments)
    count = wanted.patches
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        folder = Path(name)
        _dvc_project(folder / "project")
        patch_set, pngs = folder / "set", folder / "png"
        written = rate("patch set, written", "patches", count, lambda: _write_set(patch_set, count))
        exported = rate(
            "PNG folder, exported", "patches", count, lambda: export_patch_set(patch_set, pngs, "imagefolder")
        )
        ours = rate(
            "patch set, shuffled batches", "patches", count * EPOCHS_OF_THE_SET, lambda: _read_set(patch_set)
        )
        alone = rate("PNG folder, ImageFolder", "patches", count, lambda: _read_folder(pngs, 0))
        seconds, cpu = _timed(lambda: _read_folder(pngs, WORKERS))
        many = Result(f"PNG folder, ImageFolder, {WORKERS} workers", count / seconds, "patches/s", cpu)
        added = _add(folder / "project", patch_set)
        added_pngs = _add(folder / "project", pngs)
    ratios = {
        "vs_png_folder": ours.value / alone.value,
        f"vs_png_folder_{WORKERS}_workers": ours.value / many.value,
        "dvc_add_vs_png_folder": added_pngs.value / added.value,
    }
    show([written, exported, ours, alone, many, added, added_pngs], ratios, wanted.json)


if __name__ == "__main__":
    main()
