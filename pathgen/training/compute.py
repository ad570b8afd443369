"""Set torch up so that the same settings on the same machine give the same bytes."""

import ctypes
import os
import sys

import torch

from pathgen.core.errors import PathgenError
from pathgen.core.params import load_section
from pathgen.training.settings import ComputeSettings

# Of glibc's mallopt: blocks from this size on are asked of the system one by one; how much free memory at the
# end of the heap is given back.
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1
_KEPT_BYTES = 2**30


def keep_freed_memory() -> None:
    """Let freed memory serve the next tensor, where the C library is glibc; elsewhere nothing changes.

    By default glibc gives every large block back, and the system clears it again, page by page, for the next
    step: a third of the time of a small network's training step on four cores. Blocks above 1 GiB are still
    given back. No result depends on it.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def memory_format(*, channels_last: bool) -> torch.memory_format:
    """Return the order in which images and convolution weights lie in memory."""
    return torch.channels_last if channels_last else torch.contiguous_format


def start_compute() -> tuple[torch.device, ComputeSettings]:
    """Read section `compute` of params.yaml and apply it to this process (see `apply_compute`)."""
    settings = load_section("compute", ComputeSettings)
    return apply_compute(device=settings.device, threads=settings.threads), settings


def apply_compute(*, device: str, threads: int) -> torch.device:
    """Choose the device; set torch's threads, its algorithms and the use of memory for this process.

    Args:
        device: ``cpu``, ``cuda``, or ``auto``: the GPU where there is one.
        threads: CPU threads for one operation; 0 leaves it to torch.

    Returns:
        The device to train on.

    Raises:
        PathgenError: ``cuda`` is asked for and torch sees no GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise PathgenError(
            "compute.device",
            "is 'cuda', but torch sees no GPU",
            "Set it to 'auto' or 'cpu', or install a CUDA build of torch",
        )
    if threads:
        torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        keep_freed_memory()
    if device == "cuda":
        # cuBLAS reads it when the first CUDA context is made; without it deterministic products are refused.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # On the CPU equal thread counts give equal bytes without it, and it costs 2 s of imports.
        torch.use_deterministic_algorithms(True)
        # Deterministic mode also fills fresh memory; nothing here reads memory before writing it.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = False
        # Convolutions of fp32 on tensor cores, inputs rounded to 10 bits: torch's default, and much faster.
        torch.backends.cudnn.allow_tf32 = True
    return torch.device(device)
