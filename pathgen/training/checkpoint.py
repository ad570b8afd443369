"""Model files in safetensors, and exact-resume snapshots; equal weights give equal bytes of a model file."""

import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_path

_SNAPSHOT_NAME = "snapshot.pt"
_START_OVER = "Delete the file; the work then starts over"


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write named tensors to a safetensors file, atomically.

    Args:
        path: The file. Its bytes depend on `tensors` alone.
        tensors: Name to tensor, on any device and in any memory format.
    """
    # A copy each: tensors that share memory cannot be stored, and the format knows row-major order only.
    plain = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    # The metadata mark the file as one of this suite.
    content = safetensors.torch.save(plain, metadata={"pathgen": "{}"})
    with atomic_path(path) as draft:
        draft.write_bytes(content)


def load_tensors(path: Path, hint: str = "Make or pull it again") -> dict[str, torch.Tensor]:
    """Read a safetensors file.

    Args:
        path: The file.
        hint: Advice in the error message.

    Returns:
        Name to tensor, on the CPU and row-major.

    Raises:
        PathgenError: The file is missing, cut off, or not of this format.
    """
    try:
        return safetensors.torch.load(path.read_bytes())
    except OSError as problem:
        raise PathgenError(path, f"cannot be read: {problem.strerror}", hint) from None
    except safetensors.SafetensorError as problem:
        raise PathgenError(path, f"damaged, not whole safetensors ({problem})", hint) from None


def load_module(module: torch.nn.Module, path: Path, hint: str = "Make or pull it again") -> None:
    """Load the tensors of a file into a network of the same architecture.

    Args:
        module: The network.
        path: A file of `save_tensors` that holds ``module.state_dict()``.
        hint: Advice in the error message.

    Raises:
        PathgenError: The file cannot be read, or belongs to another architecture.
    """
    state = load_tensors(path, hint)
    own, given = ({name: one.shape for name, one in named.items()} for named in (module.state_dict(), state))
    wrong = sorted(name for name in own.keys() | given.keys() if own.get(name) != given.get(name))
    if wrong:
        reason = f"does not fit the network in {len(wrong)} tensors, the first is {wrong[0]}"
        raise PathgenError(path, reason, hint)
    module.load_state_dict(state)


def save_snapshot(folder: Path, state: Any, key: Mapping[str, Any]) -> None:
    """Write the state of a training to one file by one rename: a kill leaves the older or the newer one.

    Args:
        folder: Work folder of this training alone; it holds its latest snapshot.
        state: Nested dicts, lists, tuples, tensors and plain values, such as the ``state_dict()`` of a module
            or an optimiser.
        key: Everything that the training depends on: settings, digest of the data; plain JSON values.

    Raises:
        TypeError: The state holds something else.
    """
    _require_plain(state)
    content = io.BytesIO()
    torch.save({"key": json.loads(json.dumps(key)), "state": state}, content)
    with atomic_path(folder / _SNAPSHOT_NAME) as draft:
        # torch itself reports a full disk as a RuntimeError.
        draft.write_bytes(content.getbuffer())


def _require_plain(state: Any) -> None:
    """Refuse what could be written and not be read again with ``weights_only``."""
    if isinstance(state, Mapping):
        state = [*state.keys(), *state.values()]
    if isinstance(state, list | tuple):
        for one in state:
            _require_plain(one)
    elif type(state) not in (bool, int, float, str, type(None), torch.Tensor, torch.nn.Parameter):
        raise TypeError(f"a snapshot cannot hold a value of type {type(state)}")


def load_snapshot(folder: Path, key: Mapping[str, Any]) -> Any:
    """Read the latest snapshot.

    Args:
        folder: Work folder.
        key: Key of the training to be resumed.

    Returns:
        The state, equal to the saved one in values and memory formats, with its tensors on the CPU; None
        without a snapshot.

    Raises:
        PathgenError: The snapshot is damaged, or has another key.
    """
    path = folder / _SNAPSHOT_NAME
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        then, state = content["key"], content["state"]
    except (RuntimeError, EOFError, KeyError, TypeError, OSError, pickle.UnpicklingError):
        raise PathgenError(path, "damaged, not a whole snapshot", _START_OVER) from None
    differences = _differences(then, json.loads(json.dumps(key)))
    if differences:
        reason = f"made by another training: {'; '.join(differences)}"
        raise PathgenError(path, reason, _START_OVER)
    return state


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
