"""Cache of sampled patches: one growing file for each checkpoint, seed and sampling settings.

Patch i depends only on these and on i, so that a larger set samples only what the smaller one lacks, and a
killed process resumes. A cache may be deleted at any time when no process uses it: it is sampled again.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pathgen.core.files import hold_lock, report_full_disk, sha256_of
from pathgen.core.progress import progress
from pathgen.gan.loaded_generator import LoadedGenerator, SamplePlan
from pathgen.gan.synthesis import BLOCK
from pathgen.provenance.code_hash import code_manifest


def cached_samples(
    cache: Path, generator: LoadedGenerator, plan: SamplePlan, count: int, *, desc: str = "synthesise"
) -> np.memmap[Any, np.dtype[np.uint8]]:
    """Return the first patches of a generator; only those that no earlier call has sampled are sampled.

    Memory does not grow with `count`. A second process with the same patches waits for the first.

    Args:
        cache: Folder of all caches, e.g. ``work/synthetic``; each has a sub-folder named after its key.
        generator: The trained generator.
        plan: What the patches depend on.
        count: Number of patches, at least 1.
        desc: Description for the progress bar.

    Returns:
        uint8 (count, H, W, 3), mapped read-only; the first rows are the same for every `count`.

    Raises:
        PathgenError: The disk is full.
    """
    assert count >= 1, count
    shape = (generator.meta.image_size, generator.meta.image_size, 3)
    key = json.dumps(_key(generator, plan), sort_keys=True)
    folder = cache / hashlib.sha256(key.encode()).hexdigest()[:24]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rows.uint8"
    with report_full_disk(folder), hold_lock(folder / "lock", desc, wait=True):
        path.touch()
        block_bytes = BLOCK * int(np.prod(shape))
        # A killed process may have left a part of a block.
        whole = path.stat().st_size // block_bytes
        done = whole * BLOCK
        if done < count:
            with path.open("r+b") as rows, progress(count, "patches", desc, done=done) as bar:
                rows.seek(whole * block_bytes)
                # Whole blocks: the network computes them anyway.
                for block in generator.blocks(plan, -(-count // BLOCK) * BLOCK, first=done):
                    rows.write(block.data)
                    bar.update(min(len(block), count - done))
                    done += len(block)
        return np.memmap(path, dtype=np.uint8, mode="r", shape=(count, *shape))


def _key(generator: LoadedGenerator, plan: SamplePlan) -> dict[str, Any]:
    """Return all that the patches depend on, as plain JSON."""
    meta, device = generator.meta, generator.device
    module = f"pathgen.gan.generators.{meta.network}"
    code = code_manifest("pathgen.gan.sample_cache", "pathgen.training.compute", module)
    networks = ("generator", "discriminator") if plan.best_of > 1 else ("generator",)
    return {
        "recipe": meta.recipe,
        "classes": meta.classes,
        "label_index": meta.label_index,
        "image_size": meta.image_size,
        "weights": {name: sha256_of(generator.checkpoint / f"{name}.safetensors") for name in networks},
        "seed": plan.seed,
        "best_of": plan.best_of,
        "sampling": dict(plan.sampling),
        "precision": asdict(plan.precision) if plan.precision.bf16 else "fp32",
        "machine": (
            torch.cuda.get_device_name(device)
            if device.type == "cuda"
            else f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
        ),
        "torch": torch.__version__,
        "code": code,
    }
