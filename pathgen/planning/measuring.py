"""Measure, in seconds, how fast a study's own networks train and draw here, at its patch size and batch."""

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.classifier.loop import train_classifier
from pathgen.classifier.prediction import predict
from pathgen.classifier.registry import build_classifier
from pathgen.classifier.settings import ClassifierSettings
from pathgen.gan.registry import GENERATORS
from pathgen.gan.settings import networks_of
from pathgen.gan.synthesis import BLOCK, synthesise
from pathgen.phantom.dataset import write_phantom
from pathgen.planning.rates import AROUND_A_STAGE_S, Rate
from pathgen.planning.study import Study
from pathgen.planning.tuning_jobs import searched_classifiers
from pathgen.planning.workload import Sizes
from pathgen.studies.dp_sweep.settings import PRIVATE_NETWORKS
from pathgen.training.compute import apply_compute
from pathgen.training.metric_logger import NullLogger

_MEASURED_S = 1.5
_PHANTOM_PX = 768
_FEW_PATCHES = 64
_STEPS_PER_EPOCH = 4


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        device: ``cpu`` or ``cuda``.
        start_s: Seconds that a stage takes to start and end.
        rates: Name of a rate to the rate.
        sizes: Bytes of the networks' weights.
    """

    device: str
    start_s: float
    rates: dict[str, Rate]
    sizes: Sizes


def measure(study: Study, say: Callable[[str], None]) -> Measured:
    """Run a few steps of everything that takes long.

    Args:
        study: The settings.
        say: Told what is being measured.

    Returns:
        The rates, on the study's device with its number of threads and precision.

    Raises:
        PathgenError: The device is not there, or the patches do not fit a network.
    """
    device = apply_compute(device=study.compute.device, threads=study.compute.threads)
    rates: dict[str, Rate] = {}
    gans: dict[str, int] = {}
    classifiers: dict[str, int] = {}
    for generator in dict.fromkeys(map(networks_of, [*study.pipeline.generators, PRIVATE_NETWORKS])):
        say(f"measuring generator {generator}")
        found, gans[generator] = _of_generator(study, generator, device)
        rates |= found
    used = [*study.pipeline.classifiers, *study.scaling.classifiers, study.dp_sweep.classifier]
    for classifier in dict.fromkeys(used):
        say(f"measuring classifier {classifier}")
        recipe = study.train_classifier.classifiers[classifier]
        found, classifiers[classifier] = _of_classifier(study, classifier, recipe, device)
        rates |= found
    for name, recipe in searched_classifiers(study).items():
        say(f"measuring classifier {name}")
        rates |= _of_classifier(study, name, recipe, device)[0]
    if study.cohort.source == "phantom":
        say("measuring the drawing of slides")
        rates["phantom pixels"] = _of_phantom(study)
    say("measuring the start of a stage")
    return Measured(device.type, _start_of_a_stage(), rates, Sizes(gans, classifiers))


def _without_bars() -> AbstractContextManager[object]:
    """Hide the progress of what is measured; it has progress of its own."""
    return redirect_stderr(io.StringIO())


def _weights(*networks: nn.Module) -> int:
    return sum(
        tensor.numel() * tensor.element_size()
        for network in networks
        for tensor in network.state_dict().values()
    )


def _noise(count: int, size_px: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, size_px, size_px, 3), dtype=np.uint8)


def _per_second(units: Iterator[int]) -> Rate:
    """Rate of work that is done piece by piece: the first piece warms up, the rest take about 2 s."""
    next(units)
    done, start = 0, time.perf_counter()
    for more in units:
        done += more
        if time.perf_counter() - start > _MEASURED_S:
            break
    return Rate(done / (time.perf_counter() - start), "measured")


def _of_generator(study: Study, generator: str, device: torch.device) -> tuple[dict[str, Rate], int]:
    own, built, size_px = study.train_gan.of(generator), GENERATORS[generator], study.extract.size_px
    recipe = built.recipe(
        **own.recipe(own.batch_size), augment=study.train_gan.augment, seed=study.train_gan.seed
    )
    players = built.players(
        built,
        image_size=size_px,
        options=own.options,
        recipe=recipe,
        device=device,
        bf16=study.compute.precision == "bf16",
        channels_last=study.compute.channels_last,
    )
    stream = built.stream(_noise(own.batch_size, size_px), recipe=recipe, units=None, device=device)

    def steps() -> Iterator[int]:
        # From 1: step 0 has all the regularisers that later steps have now and then.
        for number in range(1, 1 << 30):
            latents = torch.randn(own.batch_size, own.latent_dim, generator=torch.Generator().manual_seed(1))
            told = players.step(stream.batch(number), latents.to(device), number=number)
            float(next(iter(told.values())))  # waits for a GPU
            yield own.batch_size

    draw = built.drawer(**study.synthesise.drawing(generator))

    def drawn() -> Iterator[int]:
        for patches in synthesise(
            players.finished, seed=1, count=1 << 30, batch_size=BLOCK, device=device, draw=draw
        ):
            yield len(patches)

    rates = {f"{generator} trained": _per_second(steps()), f"{generator} drawn": _per_second(drawn())}
    return rates, _weights(players.finished, players.discriminator)


def _of_classifier(
    study: Study, name: str, settings: ClassifierSettings, device: torch.device
) -> tuple[dict[str, Rate], int]:
    size_px = study.extract.size_px
    few = _noise(_FEW_PATCHES, size_px)
    model = build_classifier(settings.network, size_px, 1).to(device)
    # Limits are the measurement's own, and it needs no weights to start from.
    endless = {"max_epochs": 1 << 20, "patience": 1 << 20, "max_steps": None}
    recipe = {**settings.arguments(), **endless, "weights_file": None, "weights_sha256": None}

    def predicted() -> Iterator[int]:
        while True:
            yield len(predict(model, _noise(4 * _FEW_PATCHES, size_px), device))

    prediction = _per_second(predicted())
    count = settings.batch_size * _STEPS_PER_EPOCH
    images = _noise(count, size_px)
    ends: list[float] = []

    def is_enough(epoch: int, row: dict[str, float]) -> bool:
        ends.append(time.perf_counter())
        return epoch > 2 and ends[-1] - ends[0] > _MEASURED_S

    with _without_bars():
        train_classifier(
            images,
            np.arange(count, dtype=np.int64) % 2,
            few,
            np.arange(_FEW_PATCHES, dtype=np.int64) % 2,
            **recipe,
            seed=1,
            device=device,
            precision=study.compute.precision,
            channels_last=study.compute.channels_last,
            resume_folder=None,
            recorder=NullLogger(),
            what=f"measure {name}",
            stop_after_epoch=is_enough,
        )
    # The first epoch warmed up; each of the others held one look at few patches.
    epochs, seconds = len(ends) - 1, ends[-1] - ends[0]
    looking = epochs * 2 * _FEW_PATCHES / prediction.per_s
    training = Rate(epochs * count / max(seconds - looking, 0.1 * seconds), "measured")
    rates = {f"{name} trained": training, f"{name} predicted": prediction}
    return rates, _weights(model)


def _of_phantom(study: Study) -> Rate:
    assert study.cohort.phantom is not None, "checked by CohortSettings"
    few = {"normal_slides": 0, "tumor_slides": 1, "test_normal_slides": 0, "test_tumor_slides": 0}
    small = {"width_px": _PHANTOM_PX, "height_px": _PHANTOM_PX, "workers": 1}
    with tempfile.TemporaryDirectory(prefix="pathgen-plan-") as folder, _without_bars():
        start = time.perf_counter()
        write_phantom(Path(folder), **{**study.cohort.phantom.model_dump(), **few, **small})
        seconds = time.perf_counter() - start
    return Rate(study.cohort.phantom.workers * _PHANTOM_PX**2 / seconds, "measured")


def _start_of_a_stage() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import stages.train_classifier"], check=True)
    return time.perf_counter() - start + AROUND_A_STAGE_S
