"""Checkpoints of small generators, and draws into a store in forks of one process that has imported torch.

``drawable.py STORE CHECKPOINT`` reads lines ``COUNT SEGMENT_BYTES`` from standard input; for each it draws in
a fork, writes the fork's process id at once, and how the fork ended when it has.
"""

import os
import sys
from pathlib import Path

import pandas as pd
import torch

from pathgen.core.seeding import torch_generator
from pathgen.gan import sample_cache
from pathgen.gan.checkpoint import save_gan
from pathgen.gan.registry import GENERATORS
from pathgen.gan.result import TrainedGan

CPU = torch.device("cpu")
SIDE = 16
OPTIONS = {
    "dcgan": {"width": 8, "latent_dim": 6},
    "stylegan2": {
        "channel_base": 64,
        "channel_max": 8,
        "latent_dim": 6,
        "mapping_layers": 2,
        "minibatch_group": 4,
    },
}


def checkpoint(folder: Path, generator: str, seed: int = 1, **options: int) -> Path:
    """Save a pair that was never trained, but draws patches that differ."""
    built = GENERATORS[generator]
    networks = []
    for build in (built.generator, built.discriminator):
        network = build(image_size=SIDE, **OPTIONS[generator], **options)
        built.initialise(network, seed)
        networks.append(network)
    for step in range(20):  # Statistics of BatchNorm: without them every patch would be nearly grey.
        images = networks[0](torch.randn(64, 6, generator=torch_generator(seed, step)))
        networks[1](images)
    pair = TrainedGan(
        architecture=generator,
        options=OPTIONS[generator] | options,
        image_size=SIDE,
        generator=networks[0].eval(),
        discriminator=networks[1].eval(),
        history=pd.DataFrame(),
        overfitting=pd.DataFrame(),
        pictures=[],
        facts={},
    )
    save_gan(folder, pair, {"label": "tumor"})
    return folder


def main(store: Path, model: Path) -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        count, segment_bytes = map(int, line.split())
        child = os.fork()
        if child == 0:
            sample_cache._SEGMENT_BYTES = segment_bytes
            sample_cache.drawn_patches(store, model, seed=3, count=count, device=CPU)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
