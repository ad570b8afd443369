"""Train one generator on images in memory; killed at any moment, it goes on to the same bytes."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.core.progress import progress
from pathgen.core.seeding import torch_generator
from pathgen.gan.conditioning import Classes, Given
from pathgen.gan.dataloader import Stream, sent
from pathgen.gan.divergence import Health
from pathgen.gan.generator_spec import GanTrainer, Recipe
from pathgen.gan.online_frechet import FRECHET_KEYS
from pathgen.gan.overfitting import LOOKS, warn
from pathgen.gan.registry import GENERATORS
from pathgen.gan.result import TrainedGan
from pathgen.gan.sample_grid import SampleGrids
from pathgen.gan.training_state import TrainingState
from pathgen.training.checkpoint import Snapshot
from pathgen.training.metric_logger import MetricLogger, NullLogger


def train_generator(
    images: NDArray[np.uint8],
    *,
    architecture: str,
    options: Mapping[str, int],
    recipe: Recipe,
    device: torch.device,
    precision: str,
    channels_last: bool,
    snapshot_every_kimg: float,
    held_out: NDArray[np.uint8] | None = None,
    classes: Classes | None = None,
    units: NDArray[np.int64] | None = None,
    resume_folder: Path | None = None,
    recorder: MetricLogger | None = None,
    what: str = "train a generator",
) -> TrainedGan:
    """Train a generator and its discriminator.

    Args:
        images: The originals of one label, or of all `classes`, uint8 (N, H, H, 3); H a power of two from 8.
        architecture: Name in `GENERATORS`.
        options: What its networks are built with, besides the image size.
        recipe: The numbers that shape the training.
        device: Where to train.
        precision: ``fp32``, or ``bf16`` for convolutions in bfloat16.
        channels_last: Memory format of images and weights.
        snapshot_every_kimg: Thousands of images between two snapshots.
        held_out: Patches of the same label and size that are not trained on; the discriminator's answers to
            them tell whether it overfits. They change nothing but what is told. None: not looked at.
        classes: Of originals and held-out patches, where one pair learns several; it then is told them.
        units: (N,) int64, the number, from 0, of the patient of each original, where it is patients that a
            guarantee hides; None: each patch is one of its own.
        resume_folder: Work folder of this training alone: a snapshot found there is continued, and its
            latest is kept there. None: no snapshots. The caller removes the folder once the result is safe.
        recorder: Takes the players' statistics and the grids (key ``samples``); the step is the number of
            images shown. After a resume, steps after the snapshot are told again, with the same values.
        what: Name of the work, for the progress bar and messages.

    Returns:
        The trained pair, in eval mode. Its bytes depend on the images, the
        arguments up to `channels_last`, the number of threads, and the machine; not on
        snapshots and kills.

    Raises:
        PathgenError: A loss or a weight is no longer finite, the training has diverged or collapsed, the
            snapshot is damaged or foreign.
    """
    image_size = _checked_size(images, what)
    if classes is not None:
        options = {**options, "classes": classes.conditioning.classes, "label": 0}
    held_out = images[:0] if held_out is None else held_out
    built = GENERATORS[architecture]
    stream = built.stream(images, recipe=recipe, units=units, device=device)
    players = built.players(
        built,
        image_size=image_size,
        options=options,
        recipe=recipe,
        device=device,
        bf16=precision == "bf16",
        channels_last=channels_last,
    )
    facts = _facts(images, recipe, classes, device, precision, channels_last)
    originals_vary = any((image != images[0]).any() for image in images)
    guarantee = built.guarantee(recipe)
    if guarantee is not None:
        facts["privacy"] = guarantee
        # A guarantee does not cover that a training ended for what it saw of originals.
        originals_vary = False
    health = Health(originals_vary=originals_vary)
    recorder = NullLogger() if recorder is None else recorder
    course = TrainingState(recipe, players.statistics, health, recorder, what, partial(built.told, recipe))
    latent_dim = options["latent_dim"]
    showing = SampleGrids(
        images,
        held_out,
        classes=classes,
        recipe=recipe,
        draw=built.drawer(),
        latent_dim=latent_dim,
        device=device,
    )
    key = {
        **facts,
        "architecture": architecture,
        "options": dict(options),
        "held_out_sha256": _digest(held_out),
        "labels_sha256": None if classes is None else _digest(classes.labels),
        "units_sha256": None if units is None else _digest(units),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    if resume_folder is not None and (snapshot := Snapshot.load(resume_folder, key)) is not None:
        players.restore(snapshot.tensors, snapshot.plain["players"])
        course.restore(snapshot)

    snapshot_steps = max(1, round(snapshot_every_kimg * 1000 / recipe.batch_size))
    with progress(recipe.steps * recipe.batch_size, "images", what, done=course.images) as bar:
        while course.step < recipe.steps:
            step = course.step
            latents = torch.randn(
                recipe.batch_size, latent_dim, generator=torch_generator(recipe.seed, "noise", step)
            )
            given = _told(classes, stream, step, recipe.steps, device)
            statistics = players.step(stream.batch(step), sent(latents, device), number=step, given=given)
            course.add(statistics)
            if course.is_time_to_log:
                bar.set_postfix(course.log(), refresh=False)
            _show(showing, course, players, 1.0 if given is None else given.strength)
            if showing.looks and course.is_time_for_a_look:
                warn(what, course.looks, course.images, len(images))
            if resume_folder is not None and course.step % snapshot_steps == 0:
                course.check(players)
                if course.is_well:
                    tensors, described = players.state()
                    course.snapshot(tensors, described).save(resume_folder, key)
            bar.update(recipe.batch_size)
    course.check(players)
    return TrainedGan(
        architecture=architecture,
        options=dict(options),
        image_size=image_size,
        generator=players.finished.eval(),
        discriminator=players.discriminator.eval(),
        history=pd.DataFrame(course.rows, columns=["kimg", *players.statistics, *built.told(recipe, 0)]),
        overfitting=pd.DataFrame(course.looks, columns=["kimg", *LOOKS, *FRECHET_KEYS]),
        pictures=course.pictures,
        facts=facts,
    )


def _show(showing: SampleGrids, course: TrainingState, players: GanTrainer, strength: float) -> None:
    """Draw from the fixed latents, and look at it, when it is time for either."""
    is_time_for_a_look = showing.looks and course.is_time_for_a_look
    if not course.is_time_for_a_picture and not is_time_for_a_look:
        return
    grid = showing.grid(players.finished, strength)
    if course.is_time_for_a_picture:
        course.keep_picture(grid)
    if is_time_for_a_look:
        course.keep_look(showing.look(players, grid, strength))


def _told(
    classes: Classes | None, stream: Stream, step: int, steps: int, device: torch.device
) -> Given | None:
    """Return the classes of the originals of a step, and how much they count by then."""
    if classes is None:
        return None
    labels = torch.from_numpy(classes.labels)[stream.rows(step)]
    return Given(sent(labels, device), classes.conditioning.strength(step, steps))


def _facts(
    images: NDArray[np.uint8],
    recipe: Recipe,
    classes: Classes | None,
    device: torch.device,
    precision: str,
    channels_last: bool,
) -> dict[str, Any]:
    """Return what the checkpoint shall tell of its making."""
    facts: dict[str, Any] = {
        "recipe": asdict(recipe),
        "compute": {"device": device.type, "precision": precision, "channels_last": channels_last},
        "images": len(images),
        "images_sha256": _digest(images),
    }
    if classes is not None:
        facts["conditioning"] = asdict(classes.conditioning)
    return facts


def _digest(values: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()


def _checked_size(images: NDArray[np.uint8], what: str) -> int:
    """Return the side of square images whose side a stack of doublings reaches."""
    count, height, width, channels = (int(extent) for extent in images.shape)
    assert images.dtype == np.uint8 and channels == 3, "patches are uint8 RGB"
    if count == 0:
        raise PathgenError(what, "there are no patches to learn from", "Draw more patches for this label")
    if height != width or height < 8 or height & (height - 1):
        raise PathgenError(
            what,
            f"patches are {width}x{height} px",
            "This generator makes squares of 8, 16, 32, 64, 128, ... px: extract patches of such a size",
        )
    return height
