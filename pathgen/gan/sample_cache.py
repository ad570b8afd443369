"""Cache of sampled patches: one growing file for each checkpoint, seed and sampling settings.

Patch i depends only on these and on i, so that a larger set samples only what the smaller one lacks, and a
killed process resumes. A cache may be deleted at any time when no process uses it: it is sampled again.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from pathgen.core.files import hold_lock, report_full_disk, sha256_of, write_json
from pathgen.core.progress import progress
from pathgen.gan.loaded_generator import LoadedGenerator, SamplePlan
from pathgen.gan.synthesis import BLOCK
from pathgen.provenance.code_hash import code_manifest

_ROWS_FILE = "rows.uint8"
_RECORD_FILE = "record.json"
_LOCK_FILE = "lock"
_FORMAT = 2
# Bytes between two records: what a kill loses at most, and what is in memory.
SEGMENT_BYTES = 16 << 20

_Segment = tuple[int, str]
"""Rows that were recorded together: number of the row after the last, SHA-256 of their bytes."""


def cached_samples(
    cache: Path,
    generator: LoadedGenerator,
    plan: SamplePlan,
    count: int,
    *,
    segment_bytes: int = SEGMENT_BYTES,
    desc: str = "synthesise",
) -> np.memmap[Any, np.dtype[np.uint8]]:
    """Return the first patches of a generator; only those that no earlier call has sampled are sampled.

    Cached patches are checked against their digests; from the first damaged one on they are sampled again.
    Memory does not grow with `count`. A second process with the same patches waits for the first.

    Args:
        cache: Folder of all caches, e.g. ``work/synthetic``; each has a sub-folder named after its key.
        generator: The trained generator.
        plan: What the patches depend on.
        count: Number of patches, at least 1.
        segment_bytes: Bytes between two records.
        desc: Description for the progress bar.

    Returns:
        uint8 (count, H, W, 3), mapped read-only; the first rows are the same for every `count`.

    Raises:
        PathgenError: The disk is full.
    """
    assert count >= 1, count
    shape = (generator.meta.image_size, generator.meta.image_size, 3)
    key = _key(generator, plan)
    folder = cache / _sha256(json.dumps(key, sort_keys=True).encode())[:24]
    folder.mkdir(parents=True, exist_ok=True)
    with report_full_disk(folder), hold_lock(folder / _LOCK_FILE, desc, wait=True):
        (folder / _ROWS_FILE).touch()
        with (folder / _ROWS_FILE).open("r+b") as rows:
            kept = _intact(rows, folder / _RECORD_FILE, key, count, math.prod(shape))
            done = kept[-1][0] if kept else 0
            if done < count:
                # Whole blocks: the network computes them anyway.
                blocks = generator.blocks(plan, -(-count // BLOCK) * BLOCK, first=done)
                rows.seek(done * math.prod(shape))
                with progress(count, "patches", desc, done=done) as bar:
                    for segment in _appended(rows, done, count, blocks, bar, segment_bytes):
                        kept.append(segment)
                        write_json(folder / _RECORD_FILE, {"key": key, "segments": kept})
        return np.memmap(folder / _ROWS_FILE, dtype=np.uint8, mode="r", shape=(count, *shape))


def _appended(
    rows: BinaryIO,
    done: int,
    count: int,
    blocks: Iterator[NDArray[np.uint8]],
    bar: "tqdm[NoReturn]",
    segment_bytes: int,
) -> Iterator[_Segment]:
    """Write blocks at the end of the file, and yield each segment once it is on the disk."""
    for first in blocks:
        digest, size = hashlib.sha256(), 0
        for block in chain((first,), blocks):
            rows.write(block.data)
            digest.update(block.data)
            bar.update(min(len(block), count - done))  # The last block may hold more than needed.
            done, size = done + len(block), size + block.nbytes
            if size >= segment_bytes:
                break
        rows.flush()
        os.fsync(rows.fileno())
        yield done, digest.hexdigest()


def _intact(
    rows: BinaryIO, record: Path, key: Mapping[str, Any], count: int, row_bytes: int
) -> list[_Segment]:
    """Return the segments of this key that are undamaged, as far as `count` rows need them."""
    intact: list[_Segment] = []
    start = 0
    for end, sha256 in _segments(record, key):
        if start < count and _sha256(rows.read((end - start) * row_bytes)) != sha256:
            break  # All later ones are sampled again: a record is of contiguous rows.
        intact.append((end, sha256))
        start = end
    return intact


def _segments(record: Path, key: Mapping[str, Any]) -> list[_Segment]:
    """Read a record; a damaged one costs only that its patches are sampled again."""
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        segments = [(int(end), str(sha256)) for end, sha256 in content["segments"]]
        recorded_key = content["key"]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return []
    ends = [0, *(end for end, _ in segments)]
    in_order = all(before < end and end % BLOCK == 0 for before, end in pairwise(ends))
    return segments if recorded_key == key and in_order else []


def _key(generator: LoadedGenerator, plan: SamplePlan) -> dict[str, Any]:
    """Return all that the patches depend on, as plain JSON."""
    meta, device = generator.meta, generator.device
    module = f"pathgen.gan.generators.{meta.settings.network}"
    code = code_manifest("pathgen.gan.sample_cache", "pathgen.training.compute", module)
    networks = ("generator", "discriminator") if plan.best_of > 1 else ("generator",)
    return {
        "format": _FORMAT,
        "recipe": meta.settings.model_dump(),
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
        "code": _sha256(json.dumps(code).encode()),
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
