"""Training loop of all generators; a killed training resumes to the same bytes."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.core.progress import progress
from pathgen.core.seeding import torch_generator
from pathgen.gan import generators
from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.dataset import GanDataset
from pathgen.gan.gan_checkpoint import TrainedGan
from pathgen.gan.generator_health import generator_health
from pathgen.gan.generators.interface import GeneratorSettings, Loader, Precision
from pathgen.gan.online_frechet import FRECHET_KEYS
from pathgen.gan.overfitting import PROBE_KEYS, warn_if_overfitting
from pathgen.gan.sample_grid import SampleGrids
from pathgen.gan.shuffled_loader import to_device
from pathgen.gan.training_state import LOGS, PROBES, SAMPLES, TrainingState
from pathgen.training.checkpoint import load_snapshot, save_snapshot
from pathgen.training.metric_logger import MetricLogger, NullLogger


def train_generator(
    data: GanDataset,
    settings: GeneratorSettings,
    *,
    device: torch.device,
    precision: Precision,
    snapshot_every_kimg: float,
    resume_folder: Path | None = None,
    logger: MetricLogger | None = None,
    desc: str = "train a generator",
) -> TrainedGan:
    """Train a generator and its discriminator.

    Args:
        data: Original patches of one label, or of all for a joint recipe; side a power of two from 8 px.
        settings: The recipe.
        device: Device of the training.
        precision: Arithmetic of the training.
        snapshot_every_kimg: Thousands of images between two snapshots; changes no result.
        resume_folder: Work folder of this training alone: the snapshot found there is resumed, and the latest
            one is kept there, also that of the finished training. None: no snapshots. The caller removes the
            folder once the result is saved.
        logger: Receives the statistics and the sample grids (key ``samples``); the step is the number of
            original images so far. A resumed training logs the steps after its snapshot again, with the same
            values.
        desc: Description for the progress bar and for messages.

    Returns:
        The trained pair in eval mode. Its bytes depend on data, settings, device, precision, number of
        threads and machine, not on snapshots and kills.

    Raises:
        PathgenError: The patches have a wrong size, a loss or a weight is not finite, the training has
            diverged or collapsed, or the snapshot is damaged or of another training.
    """
    image_size = _checked_size(data.images, desc)
    spec = generators.load(settings.network)
    loader = spec.loader(data, settings, device)
    networks = spec.initialised(settings, image_size, data.classes)
    trainer = spec.trainer(*networks, settings, data, device=device, precision=precision)
    meta: dict[str, Any] = {
        "network": settings.network,
        "description": spec.description,
        "metrics": dict(spec.metrics),
        "recipe": settings.model_dump(),
        "classes": data.classes,
        "compute": {
            "device": device.type,
            "precision": precision.dtype,
            "channels_last": precision.channels_last,
        },
        "images": len(data.images),
        "images_sha256": _sha256(data.images),
    }
    accountant = None if spec.accountant is None else spec.accountant(settings, data)
    if accountant is not None:
        meta["privacy"] = accountant.guarantee()
    # The guarantee does not cover an end of the training that depends on originals.
    originals_vary = accountant is None and bool((data.images != data.images[:1]).any())
    state = TrainingState(
        settings,
        trainer.statistics,
        NullLogger() if logger is None else logger,
        desc,
        originals_vary=originals_vary,
        accountant=accountant,
    )
    grids = SampleGrids(data, settings, spec.sampler(spec.sampling()), device)
    key = _resume_key(meta, data)
    if resume_folder is not None and (snapshot := load_snapshot(resume_folder, key)) is not None:
        trainer.pair.restore(snapshot["pair"])
        state.load_state_dict(snapshot["training"])

    snapshot_steps = max(1, round(snapshot_every_kimg * 1000 / settings.batch_size))
    with progress(settings.steps * settings.batch_size, "images", desc, done=state.images) as bar:
        while state.step < settings.steps:
            step = state.step
            rng = torch_generator(settings.seed, "noise", step)
            z = torch.randn(settings.batch_size, settings.latent_dim, generator=rng)
            c = _condition(data, settings, loader, step, device)
            state.add(trainer.step(loader.batch(step), to_device(z, device), step=step, c=c))
            if state.is_due(LOGS):
                bar.set_postfix(state.log(), refresh=False)
            should_sample, should_probe = state.is_due(SAMPLES), len(data.held_out) and state.is_due(PROBES)
            if should_sample or should_probe:
                weight = 1.0 if c is None else c.weight
                grid = grids.sample(trainer.pair.g_final, weight)
                if should_sample:
                    state.log_samples(grid)
                if should_probe:
                    state.log_probe(grids.probe(trainer.pair, grid, weight))
                    warn_if_overfitting(desc, state.probe_history, state.images, len(data.images))
            is_due = state.step % snapshot_steps == 0 or state.step == settings.steps
            if resume_folder is not None and is_due:
                state.check(trainer.pair)
                if state.monitor.is_healthy:
                    snapshot = {"pair": trainer.pair.state(), "training": state.state_dict()}
                    save_snapshot(resume_folder, snapshot, key)
            bar.update(settings.batch_size)
    state.check(trainer.pair)
    history = pd.DataFrame(
        state.rows,
        columns=["kimg", *trainer.statistics, *({} if accountant is None else accountant.metrics(0))],
    )
    return TrainedGan(
        image_size=image_size,
        generator=trainer.pair.g_final.eval(),
        discriminator=trainer.pair.d.eval(),
        history=history,
        overfitting=pd.DataFrame(state.probe_history, columns=["kimg", *PROBE_KEYS, *FRECHET_KEYS]),
        sample_grids=state.sample_grids,
        meta=meta,
        health=generator_health(history, state.probe_history),
    )


def _condition(
    data: GanDataset, settings: GeneratorSettings, loader: Loader, step: int, device: torch.device
) -> ClassCondition | None:
    """Return the class condition of the originals of a step; None in an unconditional training."""
    if data.labels is None:
        return None
    labels = torch.from_numpy(data.labels)[loader.rows(step)]
    return ClassCondition(to_device(labels, device), settings.condition_weight(step))


def _resume_key(meta: dict[str, Any], data: GanDataset) -> dict[str, Any]:
    """Return all that a snapshot depends on."""
    owners = None if data.index is None else data.index[["patient", "slide"]].to_csv(index=False)
    return {
        **{name: value for name, value in meta.items() if name not in ("description", "metrics")},
        "held_out_sha256": _sha256(data.held_out),
        "labels_sha256": None if data.labels is None else _sha256(data.labels),
        "owners_sha256": None if owners is None else hashlib.sha256(owners.encode()).hexdigest(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def _sha256(values: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()


def _checked_size(images: NDArray[np.uint8], desc: str) -> int:
    """Return the side of square images, a power of two from 8 px."""
    count, height, width, channels = (int(extent) for extent in images.shape)
    assert images.dtype == np.uint8 and channels == 3, "patches are uint8 RGB"
    if count == 0:
        raise PathgenError(desc, "there are no training patches", "Sample more patches of this label")
    if height != width or height < 8 or height & (height - 1):
        raise PathgenError(
            desc,
            f"patches are {width}x{height} px",
            "Generators need squares of 8, 16, 32, 64, 128, ... px: set extract.size_px to one of them",
        )
    return height
