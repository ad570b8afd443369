"""Trainings in forks of one process that has imported torch, so that several kills cost one import.

``killable.py FOLDER`` reads lines ``GENERATOR WORK MODEL`` (folder names) from standard input; for each it
trains in a fork, writes the fork's process id at once, and how the fork ended when it has.
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch

# What torch.optim would otherwise import at the first step of each fork.
import torch._dynamo

from pathgen.gan.loop import train_generator
from pathgen.gan.model import save_gan
from pathgen.gan.recipe import GanRecipe
from pathgen.gan.stylegan2.recipe import StyleGan2Recipe

OPTIONS = {
    "dcgan": {"width": 8, "latent_dim": 8},
    "stylegan2": {
        "channel_base": 64,
        "channel_max": 8,
        "latent_dim": 8,
        "mapping_layers": 2,
        "minibatch_group": 4,
    },
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
RECIPES = {"dcgan": DCGAN, "stylegan2": STYLEGAN2}


def train(generator: str, work: Path, model: Path) -> None:
    torch.set_num_threads(1)
    trained = train_generator(
        np.random.default_rng(1).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8),
        architecture=generator,
        options=OPTIONS[generator],
        recipe=RECIPES[generator],
        device=torch.device("cpu"),
        precision="fp32",
        channels_last=True,
        snapshot_every_kimg=0.05,
        resume_folder=work,
    )
    save_gan(model, trained, {"label": "normal"})
    trained.history.to_csv(model / "history.csv", index=False)
    for number, (_, picture) in enumerate(trained.pictures):
        np.save(model / f"picture{number}.npy", picture)


def main(folder: Path) -> None:
    for line in sys.stdin:
        generator, work, model = line.split()
        child = os.fork()
        if child == 0:
            train(generator, folder / work, folder / model)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
