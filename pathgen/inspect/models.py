"""Facts of checkpoints and params files."""

import json
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.core.files import sha256_of
from pathgen.inspect.slides import file_facts

CARD_FILE = "model.json"
_AGAIN = "Train it again, or pull it"


def _tensors(path: Path) -> dict[str, Any]:
    # Imported here: torch takes seconds to load, and a slide needs none of it.
    from pathgen.training.checkpoint import load_tensors  # noqa: PLC0415

    tensors = load_tensors(path, _AGAIN)
    return {
        "tensors": len(tensors),
        "numbers": sum(tensor.numel() for tensor in tensors.values()),
        "dtypes": sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}),
    }


def weights_facts(path: Path) -> dict[str, Any]:
    """Read a safetensors file."""
    return {**_tensors(path), **file_facts(path)}


def checkpoint_facts(folder: Path) -> dict[str, Any]:
    """Read a checkpoint: ``model.json`` and the safetensors files in its folder."""
    path = folder / CARD_FILE
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PathgenError(path, "no such file, so the weights beside it cannot be used", _AGAIN) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise PathgenError(path, f"not readable as JSON: {problem}", _AGAIN) from None
    if not isinstance(card, dict):
        raise PathgenError(path, "is not a JSON object", _AGAIN)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise PathgenError(folder, "has model.json but no weights (*.safetensors)", _AGAIN)
    weights = {file.name: {**_tensors(file), "sha256": sha256_of(file)} for file in files}
    return {"model": card, "weights": weights}


def params_facts(path: Path) -> dict[str, Any]:
    """Read a params file and check all of its sections."""
    # Imported here: it reaches into every part of the suite, and a slide needs none of it.
    from pathgen.core.params import read_params  # noqa: PLC0415
    from pathgen.validation import validate_params  # noqa: PLC0415

    sections = [str(name) for name in read_params(path)]
    validate_params(path)
    return {"sections": sections, **file_facts(path)}
