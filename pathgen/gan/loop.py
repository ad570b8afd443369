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
from torch import nn

from pathgen.checkpoint import Snapshot
from pathgen.errors import PathgenError
from pathgen.gan.architecture import Recipe
from pathgen.gan.classes import Classes, Given
from pathgen.gan.course import GRID, Course
from pathgen.gan.health import Health
from pathgen.gan.likeness import LIKENESS, Likeness
from pathgen.gan.overfitting import LOOKS, Watch, warn
from pathgen.gan.registry import GENERATORS
from pathgen.gan.stream import ImageStream
from pathgen.gan.synthesis import Drawer, to_uint8
from pathgen.gan.trained import TrainedGan
from pathgen.progress import progress
from pathgen.recording import Recorder, Silent
from pathgen.seeding import torch_generator


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
    resume_folder: Path | None = None,
    recorder: Recorder | None = None,
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
        resume_folder: Work folder of this training alone: a snapshot found there is continued, and its
            latest is kept there. None: no snapshots. The caller removes the folder once the result is safe.
        recorder: Takes the players' statistics and the grids (key ``samples``); the step is the number of
            images shown. After a resume, steps after the snapshot are told again, with the same values.
        what: Name of the work, for the progress bar and messages.

    Returns:
        The trained pair, in eval mode. Its bytes depend on the images, the arguments up to `channels_last`,
        the number of threads and the machine; not on snapshots and kills.

    Raises:
        PathgenError: A loss or a weight is no longer finite, the training has diverged or collapsed, or the
            snapshot is damaged or foreign.
    """
    image_size = _checked_size(images, what)
    if classes is not None:
        options = {**options, "classes": classes.conditioning.classes, "label": 0}
    stream = ImageStream(
        images, batch_size=recipe.batch_size, augment=recipe.augment, seed=recipe.seed, device=device
    )
    built = GENERATORS[architecture]
    players = built.players(
        built,
        image_size=image_size,
        options=options,
        recipe=recipe,
        device=device,
        bf16=precision == "bf16",
        channels_last=channels_last,
    )
    health = Health(originals_vary=any((image != images[0]).any() for image in images))
    course = Course(recipe, players.statistics, health, recorder or Silent(), what)
    held_out = images[:0] if held_out is None else held_out
    watch = None
    if len(held_out):
        watch = Watch(
            images,
            held_out,
            classes=classes,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
            device=device,
        )
    latent_dim = options["latent_dim"]
    likeness = Likeness.of(images, held_out, latent_dim=latent_dim, seed=recipe.seed, device=device)
    facts = {
        "recipe": asdict(recipe),
        "compute": {"device": device.type, "precision": precision, "channels_last": channels_last},
        "images": len(images),
        "images_sha256": _digest(images),
    }
    if classes is not None:
        facts["conditioning"] = asdict(classes.conditioning)
    key = {
        **facts,
        "architecture": architecture,
        "options": dict(options),
        "held_out_sha256": _digest(held_out),
        "labels_sha256": None if classes is None else _digest(classes.labels),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    if resume_folder is not None and (snapshot := Snapshot.load(resume_folder, key)) is not None:
        players.restore(snapshot.tensors, snapshot.plain["players"])
        course.restore(snapshot)

    draw = built.drawer()
    fixed = torch.randn(GRID, latent_dim, generator=torch_generator(recipe.seed, "grid")).to(device)
    snapshot_steps = max(1, round(snapshot_every_kimg * 1000 / recipe.batch_size))
    with progress(recipe.steps * recipe.batch_size, "images", what, done=course.images) as bar:
        while course.step < recipe.steps:
            generator = torch_generator(recipe.seed, "noise", course.step)
            latents = torch.randn(recipe.batch_size, latent_dim, generator=generator).to(device)
            given = None if classes is None else _told(classes, stream, course.step, recipe.steps, device)
            course.add(players.step(stream.batch(course.step), latents, number=course.step, given=given))
            if course.is_time_to_log:
                bar.set_postfix(course.log(), refresh=False)
            if course.is_time_for_a_picture or (watch is not None and course.is_time_for_a_look):
                strength = 1.0 if given is None else given.strength
                show = partial(_shown, players.finished, draw, recipe.seed, classes, strength)
                shown = show("grid-noise", fixed)
            if course.is_time_for_a_picture:
                course.keep_picture(shown)
            if watch is not None and course.is_time_for_a_look:
                look = watch.look(players, shown, strength)
                if likeness is not None:
                    look |= likeness.look(to_uint8(show("likeness-noise", likeness.latents)))
                course.keep_look(look)
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
        history=pd.DataFrame(course.rows, columns=["kimg", *players.statistics]),
        overfitting=pd.DataFrame(course.looks, columns=["kimg", *LOOKS, *LIKENESS]),
        pictures=course.pictures,
        facts=facts,
    )


@torch.no_grad()
def _shown(
    generator: nn.Module,
    draw: Drawer,
    seed: int,
    classes: Classes | None,
    strength: float,
    purpose: str,
    latents: torch.Tensor,
) -> torch.Tensor:
    """Return the images of fixed latents, as the generator would draw them if it were saved now."""
    was_training = generator.training
    generator.eval()
    rng = torch_generator(seed, purpose, device=latents.device)
    labels = None if classes is None else classes.in_turn(len(latents)).to(latents.device)
    images = []
    # In pieces: all at once would take more memory than a step.
    for first in range(0, len(latents), GRID):
        part = slice(first, first + GRID)
        images.append(
            draw(generator, latents[part], rng, None if labels is None else Given(labels[part], strength))
        )
    generator.train(was_training)
    return torch.cat(images)


def _told(classes: Classes, stream: ImageStream, step: int, steps: int, device: torch.device) -> Given:
    """Return the classes of the originals of a step, and how much they count by then."""
    labels = torch.from_numpy(classes.labels)[stream.rows(step)]
    return Given(labels.to(device), classes.conditioning.strength(step, steps))


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
