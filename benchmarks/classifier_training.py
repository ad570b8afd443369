"""Compare the training of the six-layer classifier with a usual script: ImageFolder, DataLoader, float32.

Layers, optimiser and batch size are those of the published study at 64 px. The script builds the layers from
torch's modules or takes the network of pathgen, which computes the same function.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

from benchmarks.arithmetic import fastest, operations_per_image
from benchmarks.harness import Contender, Result, Steps, in_rounds, report
from benchmarks.patches import noise
from pathgen.classifier.classifier_loop import train_step
from pathgen.classifier.classifier_state import TrainingState
from pathgen.classifier.device_dataset import DeviceDataset, batch_order
from pathgen.classifier.networks.cnn6 import feature_side_px
from pathgen.classifier.registry import build_classifier
from pathgen.classifier.settings import TrainClassifierConfig, TrainClassifierSettings
from pathgen.core.params import parse_section
from pathgen.core.profiles import read_profile
from pathgen.core.torchvision_import import torchvision
from pathgen.patches.store import PatchSet
from pathgen.training.compute import apply_compute

SIDE_PX, BATCH, PATCHES, WORKERS = 64, 128, 2048, 2
LABELS = np.arange(PATCHES) % 2
SGD = partial(torch.optim.SGD, lr=0.001, momentum=0.9, weight_decay=0.0005)


def torch_network() -> nn.Module:
    """Build the published classifier from torch's modules."""
    layers: list[nn.Module] = []
    for before, after, pooled in ((3, 32, False), (32, 32, True), (32, 64, False), (64, 64, True)):
        layers += [nn.Conv2d(before, after, 3), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pooled else []
    layers += [nn.Flatten(), nn.Linear(64 * feature_side_px(SIDE_PX) ** 2, 512), nn.ReLU()]
    layers += [nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 2), nn.LogSoftmax(dim=1)]
    return nn.Sequential(*layers)


def pathgen_network() -> nn.Module:
    """Build the same layers as pathgen trains them."""
    return build_classifier("cnn6", SIDE_PX, seed=1)


def usual_script(folder: Path, device: torch.device, network: Callable[[], nn.Module]) -> Steps:
    """Train as a usual script does; yield the number of images per step, without end."""
    transforms = torchvision.transforms
    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])
    images = torchvision.datasets.ImageFolder(str(folder), transform=steps)
    # Forked, as in a script of one process on Linux; this process was spawned and would spawn them.
    loader = DataLoader(
        images, batch_size=BATCH, shuffle=True, num_workers=WORKERS, multiprocessing_context="fork"
    )
    model = network().to(device)
    optimizer = SGD(model.parameters())
    while True:
        for inputs, labels in loader:
            optimizer.zero_grad()
            functional.nll_loss(model(inputs.to(device)), labels.to(device)).backward()
            optimizer.step()
            yield len(labels)


def pathgen_training(precision: Literal["fp32", "bf16"], device: torch.device) -> Steps:
    """Train as the stage does; yield the number of images per step, without end."""
    device = apply_compute(device=device.type, threads=0)
    model = pathgen_network().to(device, memory_format=torch.channels_last)
    patches = PatchSet(noise(PATCHES, SIDE_PX), pd.DataFrame({"label": np.where(LABELS, "tumor", "normal")}))
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
        folder = Path(name)
        for place, (image, label) in enumerate(zip(noise(PATCHES, SIDE_PX), LABELS, strict=True)):
            file = folder / ("normal", "tumor")[label] / f"{place}.png"
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(image).save(file)
        contenders: dict[str, Contender] = {
            "pathgen": partial(pathgen_training, best.precision.dtype, best.device),
            "ImageFolder": partial(usual_script, folder, best.device, torch_network),
            "ImageFolder, network of pathgen": partial(usual_script, folder, best.device, pathgen_network),
        }
        measured = in_rounds(contenders, "images", rounds=rounds, seconds=seconds)
    steps = pathgen_training(best.precision.dtype, best.device)
    next(steps)
    limit = best.product_rate / operations_per_image(lambda: next(steps))
    ratios = {
        "six_layer_vs_imagefolder": measured.ratio("pathgen", "ImageFolder"),
        "six_layer_vs_imagefolder_same_network": measured.ratio("pathgen", "ImageFolder, network of pathgen"),
        "six_layer_vs_products_alone": measured.rate("pathgen") / limit,
    }
    results = [*measured.results(), Result(f"products alone, {best.precision.dtype}", limit, "images/s")]
    report(results, ratios, best.gpu)
