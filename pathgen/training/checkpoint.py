"""Model files and exact-resume snapshots: safetensors with JSON inside; equal content gives equal bytes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_path

# One metadata key only: with more, safetensors writes them in an order that changes between runs.
_METADATA_KEY = "pathgen"
_SNAPSHOT_NAME = "snapshot.safetensors"
_START_OVER = "Delete the file; the work then starts over"


def save_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, Any] | None = None
) -> None:
    """Write named tensors and one JSON object to a safetensors file, atomically.

    Args:
        path: The file. Its bytes depend on `tensors` and `metadata` alone.
        tensors: Name to tensor, on any device and in any memory format.
        metadata: What to tell about them, as JSON knows it; finite numbers only.
    """
    # A copy each: tensors that share memory cannot be stored, and the format knows row-major order only.
    plain = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    text = json.dumps(metadata or {}, sort_keys=True, allow_nan=False)
    content = safetensors.torch.save(plain, metadata={_METADATA_KEY: text})
    with atomic_path(path) as draft:
        draft.write_bytes(content)


def load_tensors(
    path: Path, hint: str = "Make or pull it again"
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read a file that `save_tensors` wrote.

    Args:
        path: The file.
        hint: Advice in the error message.

    Returns:
        Name to tensor (on the CPU, row-major), and the metadata.

    Raises:
        PathgenError: The file is missing, cut off, or not of this format.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise PathgenError(path, f"cannot be read: {problem.strerror}", hint) from None
    try:
        tensors = safetensors.torch.load(content)
    except safetensors.SafetensorError as problem:
        raise PathgenError(path, f"damaged, not whole safetensors ({problem})", hint) from None
    header_end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:header_end])
    try:
        metadata = json.loads(header["__metadata__"][_METADATA_KEY])
    except (KeyError, TypeError, json.JSONDecodeError):
        raise PathgenError(path, "safetensors, but not written by pathgen", hint) from None
    return tensors, metadata


def load_module(module: torch.nn.Module, path: Path, hint: str = "Make or pull it again") -> None:
    """Load the tensors of a file into a network of the same architecture.

    Args:
        module: The network.
        path: A file of `save_tensors` that holds ``module.state_dict()``.
        hint: Advice in the error message.

    Raises:
        PathgenError: The file cannot be read, or belongs to another architecture.
    """
    tensors, _ = load_tensors(path, hint)
    fill_module(module, tensors, path, hint)


def fill_module(
    module: torch.nn.Module, state: Mapping[str, torch.Tensor], subject: object, hint: str
) -> None:
    """Load the ``state_dict()`` of a network of the same architecture.

    Args:
        module: The network.
        state: Name to tensor.
        subject: Origin of the state, for the error message.
        hint: Advice in the error message.

    Raises:
        PathgenError: A tensor is missing, too many, or of another shape.
    """
    own, given = ({name: one.shape for name, one in named.items()} for named in (module.state_dict(), state))
    wrong = sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name))
    if wrong:
        reason = f"does not fit the network in {len(wrong)} tensors, the first is {wrong[0]}"
        raise PathgenError(subject, reason, hint)
    module.load_state_dict(dict(state))


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load an optimiser's state and give each moment the memory format of its parameter.

    Fused optimisers walk parameter, gradient and moments in memory order; a stored state is row-major,
    a channels_last parameter is not.

    Args:
        optimizer: Over the same parameters, in the same order, as when the state was taken.
        state: Its ``state_dict()``.
    """
    optimizer.load_state_dict(state)
    for parameter, own in optimizer.state.items():
        for name, value in own.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                own[name] = torch.empty_like(parameter).copy_(value)


def save_snapshot(folder: Path, state: Any, key: Mapping[str, Any]) -> None:
    """Write the state of a training to one file by one rename: a kill leaves the older or the newer one.

    Args:
        folder: Work folder of this training alone; it holds its latest snapshot.
        state: Nested dicts (any plain keys), lists, tuples, tensors and plain values, such as the
            ``state_dict()`` of a module or an optimiser.
        key: Everything that the training depends on: settings, digest of the data; plain JSON values.

    Raises:
        TypeError: The state holds an object of another kind.
    """
    tensors: dict[str, torch.Tensor] = {}
    described = _described(state, tensors)
    save_tensors(folder / _SNAPSHOT_NAME, tensors, {"key": key, "state": described})


def load_snapshot(folder: Path, key: Mapping[str, Any]) -> Any:
    """Read the latest snapshot.

    Args:
        folder: Work folder.
        key: Key of the training to be resumed.

    Returns:
        The state, equal to the saved one, with its tensors on the CPU; None without a snapshot.

    Raises:
        PathgenError: The snapshot is damaged, or has another key.
    """
    path = folder / _SNAPSHOT_NAME
    if not path.exists():
        return None
    tensors, content = load_tensors(path, _START_OVER)
    if content.keys() != {"key", "state"}:
        raise PathgenError(path, "not a snapshot of this version", _START_OVER)
    differences = _differences(content["key"], json.loads(json.dumps(key)))
    if differences:
        reason = f"made by another training: {'; '.join(differences)}"
        raise PathgenError(path, reason, _START_OVER)
    return _restored(tensors, content["state"])


def _described(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Describe a nested state in JSON; add its tensors to `tensors`, by number."""
    if isinstance(value, torch.Tensor):
        name = f"{len(tensors):05d}"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"mapping": [[_described(part, tensors) for part in item] for item in value.items()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_described(item, tensors) for item in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return {"plain": value}
    raise TypeError(f"cannot store a {type(value).__name__}")


def _restored(tensors: Mapping[str, torch.Tensor], described: Any) -> Any:
    """Reverse `_described`."""
    ((kind, value),) = described.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "mapping":
        return {_restored(tensors, key): _restored(tensors, item) for key, item in value}
    if kind in ("list", "tuple"):
        items = [_restored(tensors, item) for item in value]
        return items if kind == "list" else tuple(items)
    return value


def _differences(then: Any, now: Any, where: str = "") -> list[str]:
    """Name each place where two JSON values differ."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            difference
            for name in sorted(then.keys() | now.keys())
            for difference in _differences(
                then.get(name), now.get(name), f"{where}.{name}" if where else name
            )
        ]
    return [] if then == now and type(then) is type(now) else [f"{where} was {then!r}, is {now!r}"]
