"""Set torch up so that the same settings on the same machine give the same bytes."""

import os

import torch

from pathgen.errors import PathgenError


def apply_compute(*, device: str, threads: int) -> torch.device:
    """Choose the device, and set torch's threads and deterministic algorithms for this process.

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
    if device == "cuda":
        # cuBLAS reads it when the first CUDA context is made; without it deterministic products are refused.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # On the CPU equal thread counts give equal bytes without it, and it costs 2 s of imports.
        torch.use_deterministic_algorithms(True)
        # Deterministic mode also fills fresh memory; nothing here reads memory before writing it.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = False
    return torch.device(device)
