"""Trainings in forks of one process that has imported torch, so that several kills cost one import.

``killable_gan.py`` reads lines ``TRAINING WORK MODEL`` from standard input: a name in `SHORT` or `LONG`, and
two folders. It trains each in a fork, writes the process id of the fork at once, and the exit code of the
fork at its end.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

# Else torch.optim imports it at the first step of each fork.
import torch._dynamo

from factories.gan import HELD_OUT, IMAGES, JOINT, dataset, recipe, train
from pathgen.gan.gan_checkpoint import save_gan
from pathgen.gan.generators.dpdcgan.accounting import RdpAccountant


@dataclass(frozen=True)
class Training:
    """Network, length and snapshots of a training."""

    network: str
    kimg: float
    snapshot_kimg: float = 0.05
    joint: bool = False


SHORT = {
    "dcgan": Training("dcgan", 0.4),
    "stylegan2": Training("stylegan2", 0.24),
    "dpdcgan": Training("dpdcgan", 0.3, 0.03),
}
# Thirty snapshots each: room for ten kills.
LONG = {
    "long-dcgan": Training("dcgan", 1.2, 0.04),
    "long-cdcgan": Training("dcgan", 1.2, 0.04, joint=True),
    "long-dpdcgan": Training("dpdcgan", 1.2, 0.04),
    "long-stylegan2": Training("stylegan2", 0.48, 0.016),
    "long-cstylegan2": Training("stylegan2", 0.48, 0.016, joint=True),
}


def run(training: Training, work: Path, model: Path) -> None:
    """Train and save everything that a training returns."""
    os.setpgid(0, 0)
    torch.set_num_threads(1)
    labels = np.arange(len(IMAGES)) % 2 if training.joint else None
    result = train(
        recipe(training.network, kimg=training.kimg, **JOINT if training.joint else {}),
        dataset(IMAGES, HELD_OUT, labels),
        snapshot_every_kimg=training.snapshot_kimg,
        resume_folder=work,
    )
    save_gan(model, result, "normal")
    result.history.to_csv(model / "history.csv", index=False)
    result.overfitting.to_csv(model / "overfitting.csv", index=False)
    for number, (_, grid) in enumerate(result.sample_grids):
        np.save(model / f"grid{number}.npy", grid)


def main() -> None:
    """Train what standard input names."""
    for line in sys.stdin:
        name, work, model = line.split()
        training = (SHORT | LONG)[name]
        if training.network == "dpdcgan":
            # The accountant's imports and its search for the noise take seconds; forks find both done.
            RdpAccountant(recipe("dpdcgan", kimg=training.kimg), dataset()).epsilon(1)
        child = os.fork()
        if child == 0:
            run(training, Path(work), Path(model))
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
