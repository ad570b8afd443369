"""Trainings in forks of one process that has imported torch, so that several kills cost one import.

``killable.py FOLDER`` reads lines ``TRAINING WORK MODEL`` from standard input: a name in `SHORT` or `LONG`,
and two folder names. It trains each in a fork, writes the process id of the fork at once, and how the fork
ended when it has.
"""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

# What torch.optim would otherwise import at the first step of each fork.
import torch._dynamo

from pathgen.gan.checkpoint import save_gan
from pathgen.gan.conditioning import Classes, Conditioning
from pathgen.gan.generators.dpdcgan.hyperparams import PrivateRecipe
from pathgen.gan.generators.stylegan2.hyperparams import StyleGan2Recipe
from pathgen.gan.hyperparams import GanRecipe
from pathgen.gan.loop import train_generator
from pathgen.gan.result import TrainedGan

OPTIONS = {
    "dcgan": {"width": 8, "latent_dim": 8},
    "stylegan2": {
        "channel_base": 64,
        "channel_max": 8,
        "latent_dim": 8,
        "mapping_layers": 2,
        "minibatch_group": 4,
    },
    "dpdcgan": {"width": 8, "latent_dim": 8, "discriminator_width": 8},
}
DCGAN = GanRecipe(
    batch_size=8,
    kimg=0.8,
    lr_generator=2e-4,
    lr_discriminator=2e-4,
    beta1=0.5,
    beta2=0.999,
    real_target=0.9,
    ema_decay=0.99,
    augment="d4",
    seed=1,
)
# Penalties, corrections of the chance of augmentation and snapshots (every 6 steps) fall on different steps.
STYLEGAN2 = StyleGan2Recipe(
    batch_size=8,
    kimg=0.24,
    lr_generator=2e-3,
    lr_discriminator=2e-3,
    beta1=0.0,
    beta2=0.99,
    r1_gamma=0.1,
    r1_interval=5,
    path_weight=2.0,
    path_interval=4,
    path_decay=0.01,
    mixing=0.9,
    ema_kimg=0.1,
    ema_ramp=0.05,
    ada_target=0.1,
    ada_kimg=0.1,
    augment="d4",
    seed=1,
)
# The generator's turns and snapshots (every 6 steps) fall on different steps.
DPDCGAN = PrivateRecipe(
    unit="patch",
    units=30,
    target_epsilon=10.0,
    target_delta=1e-5,
    max_grad_norm=1.0,
    patches_per_unit=1,
    batch_size=8,
    kimg=0.16,
    discriminator_steps=4,
    lr_generator=2e-3,
    lr_discriminator=2e-3,
    beta1=0.5,
    beta2=0.999,
    real_target=0.9,
    ema_decay=0.9,
    secret_file=None,
    augment="d4",
    seed=1,
)
RECIPES = {"dcgan": DCGAN, "stylegan2": STYLEGAN2, "dpdcgan": DPDCGAN}
IMAGES = np.random.default_rng(1).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
HELD_OUT = np.random.default_rng(2).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)


@dataclass(frozen=True)
class Training:
    """What is trained, for how long, and with how many snapshots."""

    architecture: str
    kimg: float
    snapshot_kimg: float = 0.05
    conditional: bool = False


SHORT = {
    "dcgan": Training("dcgan", 0.8),
    "stylegan2": Training("stylegan2", 0.24),
    "dpdcgan": Training("dpdcgan", 0.48),
}
# Thirty snapshots each: room for ten kills.
LONG = {
    "long-dcgan": Training("dcgan", 1.2, 0.04),
    "long-cdcgan": Training("dcgan", 1.2, 0.04, conditional=True),
    "long-dpdcgan": Training("dpdcgan", 1.2, 0.04),
    "long-stylegan2": Training("stylegan2", 0.48, 0.016),
    "long-cstylegan2": Training("stylegan2", 0.48, 0.016, conditional=True),
}


def trained(training: Training, work: Path | None = None) -> TrainedGan:
    torch.set_num_threads(1)
    labels = np.arange(len(IMAGES)) % 2
    return train_generator(
        IMAGES,
        architecture=training.architecture,
        options=OPTIONS[training.architecture],
        recipe=replace(RECIPES[training.architecture], kimg=training.kimg),  # type: ignore[type-var]
        device=torch.device("cpu"),
        precision="fp32",
        channels_last=True,
        snapshot_every_kimg=training.snapshot_kimg,
        held_out=HELD_OUT,
        classes=Classes(labels, labels, Conditioning(2, 0.3, 0.2)) if training.conditional else None,
        resume_folder=work,
    )


def keep(result: TrainedGan, model: Path) -> None:
    save_gan(model, result, {"label": "normal"})
    result.history.to_csv(model / "history.csv", index=False)
    result.overfitting.to_csv(model / "overfitting.csv", index=False)
    for number, (_, picture) in enumerate(result.pictures):
        np.save(model / f"picture{number}.npy", picture)


def run(training: Training, work: Path, model: Path) -> None:
    os.setpgid(0, 0)
    keep(trained(training, work), model)


def main(folder: Path) -> None:
    for line in sys.stdin:
        training, work, model = line.split()
        child = os.fork()
        if child == 0:
            run((SHORT | LONG)[training], folder / work, folder / model)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
