"""The six-layer classifier's training against a usual script: ImageFolder, DataLoader, float32, (N, C, H, W).

``python -m benchmarks.classifier_training [--device cuda]``. Layers, optimiser and batch of the published
study at 64 px. The usual script has them as torch's own modules; once more it has this suite's network, whose
layers are the same to the bit and faster.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

if __package__ in {None, ""}:  # as a script
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.arithmetic import fastest, operations_per_image, profile_of
from benchmarks.measuring import Result, show
from benchmarks.turns import Contender, Steps, in_turns
from pathgen.classifier.dataloader import DeviceDataset, batch_order
from pathgen.classifier.loop import train_step
from pathgen.classifier.networks.cnn6 import feature_side_px
from pathgen.classifier.registry import build_classifier
from pathgen.classifier.training_state import TrainingState
from pathgen.core.torchvision_import import torchvision
from pathgen.training.compute import apply_compute

SIDE_PX, BATCH, PATCHES = 64, 128, 2048
RATE, MOMENTUM, DECAY = 0.001, 0.9, 0.0005


def patches() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return noise that compresses about as tissue does, and labels."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(90, 220, (PATCHES, 8, 8, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    return coarse + rng.integers(0, 24, coarse.shape, dtype=np.uint8), np.arange(PATCHES) % 2


def as_published() -> nn.Module:
    """Return the published classifier as one writes it with torch's modules."""
    layers: list[nn.Module] = []
    for before, after, pooled in ((3, 32, False), (32, 32, True), (32, 64, False), (64, 64, True)):
        layers += [nn.Conv2d(before, after, 3), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pooled else []
    layers += [nn.Flatten(), nn.Linear(64 * feature_side_px(SIDE_PX) ** 2, 512), nn.ReLU()]
    layers += [nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 2), nn.LogSoftmax(dim=1)]
    return nn.Sequential(*layers)


def from_this_suite() -> nn.Module:
    """Return the same layers as this suite trains them."""
    return build_classifier("cnn6", SIDE_PX, seed=1)


def usual_script(folder: Path, workers: int, device: torch.device, network: Callable[[], nn.Module]) -> Steps:
    """Train as a script of the usual kind does; yield the images of each step, for ever."""
    transforms = torchvision.transforms
    wanted = [transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)]
    images = torchvision.datasets.ImageFolder(str(folder), transform=transforms.Compose(wanted))
    # Forked, as in a script of one process on Linux; this one was spawned and would spawn them.
    started = "fork" if workers else None
    loader = DataLoader(
        images, batch_size=BATCH, shuffle=True, num_workers=workers, multiprocessing_context=started
    )
    model = network().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    while True:
        for inputs, labels in loader:
            optimizer.zero_grad()
            functional.nll_loss(model(inputs.to(device)), labels.to(device)).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            yield len(labels)


def this_suite(precision: str, device: torch.device) -> Steps:
    """Train as the stage does; yield the images of each step, for ever."""
    device = apply_compute(device=device.type, threads=0)
    model = from_this_suite().to(device)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    dataset = DeviceDataset(*patches(), device=device, channels_last=True, augment="none", seed=1)
    run, epoch = TrainingState(model, optimizer), 0
    model.train()
    while True:
        epoch += 1
        for rows in batch_order(PATCHES, BATCH, 1, epoch):
            train_step(run, *dataset.batch(rows, run.steps), lr=RATE, precision=precision)
            yield len(rows)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each turn (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=8, help="turns of each (default %(default)s)")
    wanted = parser.parse_args(arguments)
    device = torch.device(wanted.device)
    best = fastest(device)
    ours = f"this suite, {best.precision}, channels last"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place, (image, label) in enumerate(zip(*patches(), strict=True)):
            file = folder / ("normal", "tumor")[label] / f"{place}.png"
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(image).save(file)
        contenders: dict[str, Contender] = {
            ours: partial(this_suite, best.precision, device),
            "ImageFolder, 2 workers": partial(usual_script, folder, 2, device, as_published),
            "ImageFolder, 0 workers": partial(usual_script, folder, 0, device, as_published),
            "ImageFolder, 2 workers, network of this suite": partial(
                usual_script, folder, 2, device, from_this_suite
            ),
        }
        results = in_turns(contenders, device, seconds=wanted.seconds, rounds=wanted.rounds)
    steps = this_suite(best.precision, device)
    next(steps)
    # The counter sees products forwards and backwards as they are called.
    floor = best.product_rate / operations_per_image(lambda: next(steps))
    results += profile_of(lambda: next(steps), device, "step")
    results.append(Result("products alone at the rate of a large one", floor, "images/s", 0.0))
    ratios = {
        "six_layer_vs_imagefolder": results[0].value / results[1].value,
        "six_layer_vs_imagefolder_0_workers": results[0].value / results[2].value,
        "six_layer_vs_imagefolder_same_network": results[0].value / results[3].value,
        "six_layer_vs_products_alone": results[0].value / floor,
    }
    show(results, ratios, wanted.json, torch.cuda.get_device_name() if wanted.device == "cuda" else None)


if __name__ == "__main__":
    main()
