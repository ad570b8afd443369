"""Patches drawn once and kept: one growing file for each checkpoint, seed and settings of drawing.

Patch i of them depends on i alone, so that a larger set draws only what the smaller one lacks, and a killed
draw goes on where it was. A store may be deleted at any time when nobody draws: it is drawn again.
"""

import errno
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from pathgen.core.errors import PathgenError
from pathgen.core.files import sha256_of, wait_lock, write_json
from pathgen.core.progress import progress
from pathgen.gan.sampling import LoadedGenerator, load_generator
from pathgen.gan.synthesis import BLOCK, PLAIN, Arithmetic
from pathgen.provenance.code_hash import code_manifest

_ROWS_FILE = "rows.uint8"
_RECORD_FILE = "record.json"
_LOCK_FILE = "lock"
_FORM = 1
# Drawn between two records: what a kill loses at most, and what is in memory.
_SEGMENT_BYTES = 16 << 20

_Segment = tuple[int, str]
"""Rows that were recorded together: the number of the row after the last, the SHA-256 of their bytes."""


def drawn_patches(
    store: Path,
    checkpoint: Path,
    *,
    seed: int,
    count: int,
    device: torch.device,
    best_of: int = 1,
    drawing: Mapping[str, object] | None = None,
    arithmetic: Arithmetic = PLAIN,
    what: str = "synthesise",
) -> np.memmap[Any, np.dtype[np.uint8]]:
    """Return the first patches of a generator; only those that no earlier call has drawn are drawn.

    Kept patches are checked against their digests; from the first damaged one on they are drawn again. Memory
    does not grow with `count`. A second process that wants the same patches waits for the first.

    Args:
        store: Folder of all stores, e.g. ``work/synthetic``; each has a folder of its own there, named after
            all that shapes its patches.
        checkpoint: Folder of `save_gan`.
        seed: Of the latents.
        count: How many, at least 1.
        device: Where to compute.
        best_of: See `LoadedGenerator.sample`.
        drawing: Settings of drawing that only this generator has.
        arithmetic: What to compute with.
        what: What is being done, for the progress bar.

    Returns:
        uint8 of shape (count, H, W, 3), mapped read-only; the first rows are the same for every `count`.

    Raises:
        PathgenError: The checkpoint cannot be loaded, or the store cannot be written, also for want of space.
    """
    assert count >= 1, count
    generator = load_generator(checkpoint, device=device)
    shape = (generator.card.image_size, generator.card.image_size, 3)
    identity = _identity(generator, seed, best_of, drawing or {}, arithmetic)
    folder = store / _digest(json.dumps(identity, sort_keys=True).encode())[:24]
    with _no_obstacle(folder), wait_lock(folder / _LOCK_FILE, what):
        (folder / _ROWS_FILE).touch()
        with (folder / _ROWS_FILE).open("r+b") as rows:
            kept = _sound(rows, folder / _RECORD_FILE, identity, count, math.prod(shape))
            done = kept[-1][0] if kept else 0
            if done < count:
                blocks = generator.batches(
                    seed=seed,
                    count=-(-count // BLOCK) * BLOCK,  # Whole blocks: the network computes them anyway.
                    batch_size=BLOCK,
                    best_of=best_of,
                    drawing=dict(drawing or {}),
                    arithmetic=arithmetic,
                    first=done,
                )
                rows.seek(done * math.prod(shape))
                with progress(count, "patches", what, done=done) as bar:
                    for segment in _appended(rows, done, count, blocks, bar):
                        kept.append(segment)
                        write_json(folder / _RECORD_FILE, {"identity": identity, "segments": kept})
        return np.memmap(folder / _ROWS_FILE, dtype=np.uint8, mode="r", shape=(count, *shape))


def in_batches(patches: np.memmap[Any, np.dtype[np.uint8]], size: int) -> Iterator[NDArray[np.uint8]]:
    """Read drawn patches batch by batch, in constant memory.

    By plain reads: what was looked at through a map counts as memory of the process.

    Args:
        patches: Of `drawn_patches`.
        size: Patches handed over at a time.

    Yields:
        uint8 (n, H, W, 3), n = `size` but for the last.
    """
    assert patches.filename is not None
    with Path(patches.filename).open("rb") as rows:
        for start in range(0, len(patches), size):
            count = min(size, len(patches) - start)
            batch = np.fromfile(rows, dtype=np.uint8, count=count * math.prod(patches.shape[1:]))
            yield batch.reshape(count, *patches.shape[1:])


def _appended(
    rows: BinaryIO, done: int, count: int, blocks: Iterator[NDArray[np.uint8]], bar: "tqdm[NoReturn]"
) -> Iterator[_Segment]:
    """Write blocks where the file stands, and yield each segment once it is on the disk."""
    for first in blocks:
        digest, size = hashlib.sha256(), 0
        for block in chain((first,), blocks):
            rows.write(block.data)
            digest.update(block.data)
            bar.update(min(len(block), count - done))  # The last block may hold more than asked for.
            done, size = done + len(block), size + block.nbytes
            if size >= _SEGMENT_BYTES:
                break
        rows.flush()
        os.fsync(rows.fileno())
        yield done, digest.hexdigest()


def _sound(
    rows: BinaryIO, record: Path, identity: Mapping[str, Any], count: int, row_bytes: int
) -> list[_Segment]:
    """Return the segments to keep: of this identity, and undamaged as far as `count` rows reach."""
    sound: list[_Segment] = []
    start = 0
    for end, sha256 in _segments(record, identity):
        if start < count and _digest(rows.read((end - start) * row_bytes)) != sha256:
            break  # All after it is drawn again too: a record is of one run of rows.
        sound.append((end, sha256))
        start = end
    return sound


def _segments(record: Path, identity: Mapping[str, Any]) -> list[_Segment]:
    """Read a record; whatever is wrong with it, nothing is lost by drawing again."""
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        segments = [(int(end), str(sha256)) for end, sha256 in content["segments"]]
        theirs = content["identity"]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return []
    ends = [0, *(end for end, _ in segments)]
    in_order = all(before < end and end % BLOCK == 0 for before, end in pairwise(ends))
    return segments if theirs == identity and in_order else []


def _identity(
    generator: LoadedGenerator,
    seed: int,
    best_of: int,
    drawing: Mapping[str, object],
    arithmetic: Arithmetic,
) -> dict[str, Any]:
    """Return all that shapes the patches, as plain JSON."""
    card, device = generator.card, generator.device
    networks = ("generator", "discriminator") if best_of > 1 else ("generator",)
    return {
        "form": _FORM,
        "architecture": card.architecture,
        "options": card.options,
        "image_size": card.image_size,
        "weights": {name: sha256_of(generator.checkpoint / f"{name}.safetensors") for name in networks},
        "seed": seed,
        "best_of": best_of,
        "drawing": dict(drawing),
        "precision": asdict(arithmetic) if arithmetic.bf16 else "fp32",
        "machine": (
            torch.cuda.get_device_name(device)
            if device.type == "cuda"
            else f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
        ),
        "torch": torch.__version__,
        "code": _code(),
    }


@lru_cache(maxsize=1)
def _code() -> str:
    """Return a digest of the code that draws: a store does not outlive it."""
    return _digest(json.dumps(code_manifest("pathgen.gan.sample_cache", "pathgen.training.compute")).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def _no_obstacle(folder: Path) -> Iterator[None]:
    """Make the folder; say on one line what stands in the way of it, or of more rows."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError) as problem:
        reason = f"cannot hold drawn patches: {problem.strerror} ({problem.filename})"
        raise PathgenError(folder, reason, "Remove what is in the way, or make it writable") from None
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        hint = "Free some and run the same command again; it goes on from what is recorded"
        raise PathgenError(folder / _ROWS_FILE, "no space is left on the device", hint) from None
