"""Compare the training of the six-layer classifier with a usual script: ImageFolder, DataLoader, float32.

Layers, optimiser and batch size are those of the published study at 64 px.
"""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks import usual_scripts
from benchmarks.arithmetic import Arithmetic, fastest
from benchmarks.harness import Result, Steps, in_rounds, report
from benchmarks.patches import noise
from pathgen.classifier.classifier_loop import train_step
from pathgen.classifier.classifier_state import TrainingState
from pathgen.classifier.device_dataset import DeviceDataset, batch_order
from pathgen.classifier.registry import build_classifier
from pathgen.classifier.settings import TrainClassifierConfig, TrainClassifierSettings
from pathgen.core.params import parse_section
from pathgen.core.profiles import read_profile
from pathgen.patches.store import PatchSet
from pathgen.training.compute import apply_compute

SIDE_PX, BATCH, PATCHES = 64, 128, 2048
SGD = partial(torch.optim.SGD, lr=0.001, momentum=0.9, weight_decay=0.0005)


def usual_training(folder: Path, device: torch.device) -> Steps:
    """Train as a usual script does; yield the number of images per step, without end."""
    model = build_classifier("cnn6", SIDE_PX, seed=1).to(device)
    batches = usual_scripts.folder_batches(folder, BATCH)
    yield from usual_scripts.train_classifier(model, SGD(model.parameters()), device, batches)


def pathgen_training(arithmetic: Arithmetic) -> Steps:
    """Train as the stage does; yield the number of images per step, without end."""
    device, precision = apply_compute(device=arithmetic.device.type, threads=0), arithmetic.precision.dtype
    model = build_classifier("cnn6", SIDE_PX, seed=1).to(device, memory_format=torch.channels_last)
    labels = np.where(np.arange(PATCHES) % 2, "tumor", "normal")
    patches = PatchSet(noise(PATCHES, SIDE_PX), pd.DataFrame({"label": labels}))
    recipe = parse_section(read_profile("phantom"), "train_classifier", TrainClassifierSettings).of("cnn6")
    config = TrainClassifierConfig(recipe=recipe, seed=1, precision=precision, channels_last=True)
    dataset = DeviceDataset(patches, config, device)
    run, epoch = TrainingState(model, SGD(model.parameters())), 0
    model.train()
    while True:
        epoch += 1
        for rows in batch_order(PATCHES, BATCH, 1, epoch):
            train_step(run, *dataset.batch(rows, run.steps), lr=0.001, precision=precision)
            yield len(rows)


def main(device: str = "cpu", seconds: float = 4.0, rounds: int = 8) -> None:
    best = fastest(torch.device(device))
    with tempfile.TemporaryDirectory() as name:
        usual_scripts.write_folder(Path(name), noise(PATCHES, SIDE_PX))
        measured = in_rounds(
            {
                "pathgen": partial(pathgen_training, best),
                "ImageFolder": partial(usual_training, Path(name), best.device),
            },
            "images",
            rounds=rounds,
            seconds=seconds,
        )
    limit = best.limit(pathgen_training(best))
    ratios = {
        "six_layer_vs_imagefolder": measured.ratio("pathgen", "ImageFolder"),
        "six_layer_vs_products_alone": measured.rate("pathgen") / limit,
    }
    results = [*measured.results(), Result(f"products alone, {best.precision.dtype}", limit, "images/s")]
    report(results, ratios, best.gpu)
