"""Sampling into a cache, in forks of one process that has imported torch.

``killable_sampling.py CACHE CHECKPOINT COUNT`` samples in a fork for each line of standard input. It writes
the process id of the fork at once, and the exit code of the fork at its end.
"""

import os
import sys
from pathlib import Path

import torch

from pathgen.gan.loaded_generator import SamplePlan, load_generator
from pathgen.gan.sample_cache import cached_samples


def main(cache: Path, model: Path, count: int) -> None:
    """Sample once for each line of standard input."""
    torch.set_num_threads(1)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            cached_samples(cache, load_generator(model), SamplePlan(seed=3), count)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
