"""Model files and exact-resume snapshots: safetensors with JSON inside; equal content gives equal bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
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
        hint: What a person shall do when it cannot be read.

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
    """Fill a module from the tensors in a file; names and shapes must match exactly.

    Args:
        module: The network, already built with the architecture of the file.
        path: A file of `save_tensors` that holds ``module.state_dict()``.
        hint: What a person shall do when it does not fit.

    Raises:
        PathgenError: The file cannot be read, or belongs to another architecture.
    """
    tensors, _ = load_tensors(path, hint)
    fill_module(module, tensors, path, hint)


def fill_module(
    module: torch.nn.Module, state: Mapping[str, torch.Tensor], subject: object, hint: str
) -> None:
    """Load a state into a module, or say on one line which tensors do not fit.

    Args:
        module: The network.
        state: Its ``state_dict()``, names and shapes exactly.
        subject: Where the state comes from, for the message.
        hint: What a person shall do when it does not fit.

    Raises:
        PathgenError: A tensor is missing, too many, or of another shape.
    """
    own = module.state_dict()
    wrong = [name for name in sorted(own.keys() | state.keys()) if not _fits(own.get(name), state.get(name))]
    if wrong:
        reason = f"does not fit the network in {len(wrong)} tensors, the first is {wrong[0]}"
        raise PathgenError(subject, reason, hint)
    module.load_state_dict(dict(state))


def _fits(own: torch.Tensor | None, given: torch.Tensor | None) -> bool:
    return own is not None and given is not None and own.shape == given.shape


def flatten_state(prefix: str, state: Any) -> tuple[dict[str, torch.Tensor], Any]:
    """Part a nested state into tensors and a JSON description of the rest.

    Args:
        prefix: Begins the name of each tensor; choose different ones within a snapshot.
        state: What ``state_dict()`` of a module, an optimiser or a schedule gives, or a generator's
            ``get_state()``: dicts (any plain keys), lists, tuples, tensors and plain values.

    Returns:
        Name to tensor, and the rest as JSON knows it; `restore_state` puts them together again.

    Raises:
        TypeError: The state holds an object of another kind.
    """
    tensors: dict[str, torch.Tensor] = {}

    def described(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            name = f"{prefix}/{len(tensors):05d}"
            tensors[name] = value
            return {"tensor": name}
        if isinstance(value, Mapping):
            return {"mapping": [[described(key), described(item)] for key, item in value.items()]}
        if isinstance(value, list):
            return {"list": [described(item) for item in value]}
        if isinstance(value, tuple):
            return {"tuple": [described(item) for item in value]}
        if value is None or isinstance(value, bool | int | float | str):
            return {"plain": value}
        raise TypeError(f"{prefix}: cannot store a {type(value).__name__}")

    return tensors, described(state)


def restore_state(tensors: Mapping[str, torch.Tensor], described: Any) -> Any:
    """Put together what `flatten_state` parted.

    Args:
        tensors: Name to tensor; others may be among them.
        described: The description.

    Returns:
        The nested state, equal to the original.
    """
    ((kind, value),) = described.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "mapping":
        return {restore_state(tensors, key): restore_state(tensors, item) for key, item in value}
    if kind in ("list", "tuple"):
        items = [restore_state(tensors, item) for item in value]
        return items if kind == "list" else tuple(items)
    return value


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


@dataclass(frozen=True)
class Snapshot:
    """All that a training needs to go on as if it had never stopped.

    Attributes:
        tensors: Name to tensor: weights, moments, generator states.
        plain: Counters, history and descriptions (see `flatten_state`), as JSON knows them.
    """

    tensors: dict[str, torch.Tensor]
    plain: dict[str, Any]

    def save(self, folder: Path, key: Mapping[str, Any]) -> None:
        """Write the snapshot as one file by one rename: a kill leaves the older or the newer one.

        Args:
            folder: The work folder of this training alone; it holds its latest snapshot.
            key: What the training depends on: settings, digest of the data; plain JSON values.
        """
        save_tensors(folder / _SNAPSHOT_NAME, self.tensors, {"key": key, "plain": self.plain})

    @classmethod
    def load(cls, folder: Path, key: Mapping[str, Any]) -> "Snapshot | None":
        """Read the latest snapshot.

        Args:
            folder: The work folder.
            key: What the training that wants to go on depends on.

        Returns:
            The snapshot; None when the folder holds none.

        Raises:
            PathgenError: It is damaged, or was made from other settings or data.
        """
        path = folder / _SNAPSHOT_NAME
        if not path.exists():
            return None
        tensors, content = load_tensors(path, _START_OVER)
        if content.keys() != {"key", "plain"}:
            raise PathgenError(path, "not a snapshot", _START_OVER)
        differences = _differences(content["key"], json.loads(json.dumps(key)))
        if differences:
            reason = f"made by another training: {'; '.join(differences)}"
            raise PathgenError(path, reason, _START_OVER)
        return cls(tensors, content["plain"])


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
