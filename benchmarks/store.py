"""Shuffled training batches: the patch set against a folder of PNGs read by torchvision's ImageFolder."""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.utils.data import DataLoader

from benchmarks.measuring import rate, show
from pathgen.patches.store import PatchSetWriter, open_patch_set
from pathgen.vision import torchvision

PATCHES = 4_000
SIZE_PX = 64
BATCH = 256
EPOCHS_OF_THE_SET = 10


def _make(folder: Path) -> None:
    rng = np.random.default_rng(1)
    coarse = rng.integers(90, 220, (PATCHES, 8, 8, 3), dtype=np.uint8)
    images = coarse.repeat(8, axis=1).repeat(8, axis=2) + rng.integers(
        0, 24, (PATCHES, SIZE_PX, SIZE_PX, 3), "uint8"
    )
    labels = np.where(np.arange(PATCHES) % 2, "tumor", "normal")
    with PatchSetWriter(folder / "set", PATCHES, SIZE_PX) as writer:
        writer.append(images)
        writer.finish(pd.DataFrame({"item": np.arange(PATCHES), "label": labels}))
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / "png" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "png" / label / f"{number}.png")


def _read_set(folder: Path) -> None:
    patches = open_patch_set(folder)
    for epoch in range(EPOCHS_OF_THE_SET):
        order = np.random.default_rng(epoch).permutation(len(patches))
        for start in range(0, len(order), BATCH):
            rows = np.sort(order[start : start + BATCH])
            torch.from_numpy(patches.images[rows])


def _read_folder(folder: Path, workers: int) -> None:
    transform = torchvision.transforms.PILToTensor()
    images = torchvision.datasets.ImageFolder(str(folder), transform=transform)
    for _ in DataLoader(images, batch_size=BATCH, shuffle=True, num_workers=workers):
        pass


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    file = parser.parse_args(arguments).json
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder)
        ours = rate(
            "patch set, mapped", "patches", PATCHES * EPOCHS_OF_THE_SET, lambda: _read_set(folder / "set")
        )
        alone = rate("PNG folder, ImageFolder", "patches", PATCHES, lambda: _read_folder(folder / "png", 0))
        four = rate("PNG folder, 4 workers", "patches", PATCHES, lambda: _read_folder(folder / "png", 4))
    ratios = {"vs_png_folder": ours.value / alone.value, "vs_png_folder_4_workers": ours.value / four.value}
    show([ours, alone, four], ratios, file)


if __name__ == "__main__":
    main()
