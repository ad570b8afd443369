"""Build a network with first weights that depend on its seed alone, or come from a given file."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from pathgen.classifier.discovery import network_file, read_weights, smallest_image_px
from pathgen.core.errors import PathgenError
from pathgen.core.seeding import derive_seed

_NAMED = 5


def build_network(name: str, image_size_px: int) -> nn.Module:
    """Build a network; its weights are drawn from torch's global generator.

    Args:
        name: Name of a file of `pathgen.classifier.networks`, which says what a network is.
        image_size_px: Side of the patches in pixels.

    Returns:
        The network, on the CPU, in training mode.

    Raises:
        PathgenError: There is no such network, or the patches are too small for it.
    """
    smallest = smallest_image_px(name)
    if image_size_px < smallest:
        reason = f"patches of {image_size_px} px are too small, it needs {smallest} px"
        raise PathgenError(f"network {name}", reason, "Extract larger patches")
    network: nn.Module = _module(name).build(image_size_px)
    return network


def build_classifier(name: str, image_size_px: int, seed: int) -> nn.Module:
    """Build a network with fresh weights.

    Args:
        name: See `build_network`.
        image_size_px: See `build_network`.
        seed: Decides the weights.

    Returns:
        The network, on the CPU, in training mode.

    Raises:
        PathgenError: See `build_network`.
    """
    # torch's layers draw their default weights inside their constructors and take no generator. Lending
    # them a seeded copy of the global one keeps those distributions for every network there is, without
    # a second copy of torch's rules, and gives the caller's generator back untouched.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, "weights"))
        return build_network(name, image_size_px)


def fill_from_file(model: nn.Module, name: str, path: Path, sha256: str | None) -> list[str]:
    """Fill all of a network but its head with pretrained weights.

    Args:
        model: The network, with fresh weights.
        name: Its name; its file says which tensors are its head and its stem.
        path: A safetensors file with tensors of the network's names, e.g. torchvision's own weights
            of ResNet-18. Tensors of other names are passed over.
        sha256: What the file's bytes must be; None fits no file.

    Returns:
        Names of the tensors that stay fresh: those of the head, and of the stem where they do not fit.

    Raises:
        PathgenError: The file cannot be read, is another one, or lacks a tensor that is neither head nor
            stem, or has it in another shape.
    """
    head, stem = (tuple(getattr(_module(name), part, ())) for part in ("HEAD", "STEM"))
    own = model.state_dict()
    # Older files, torchvision's own of its ResNets among them, lack this counter, which no network here uses.
    counters = {key: value for key, value in own.items() if key.endswith(".num_batches_tracked")}
    given = counters | _tensors(path, sha256)
    fits = {key: key in given and given[key].shape == value.shape for key, value in own.items()}
    missing = [key for key in own if not fits[key] and not key.startswith(head + stem)]
    if missing:
        said = ", ".join(_misfit(key, own, given) for key in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise PathgenError(path, f"does not fit {name}: {said}{more}", "Give weights of this network")
    fresh = [key for key in own if not fits[key] or key.startswith(head)]
    model.load_state_dict({key: own[key] if key in fresh else given[key] for key in own})
    return fresh


def _misfit(key: str, own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    if key not in given:
        return f"{key} is missing"
    return f"{key} is {tuple(given[key].shape)} in place of {tuple(own[key].shape)}"


def _tensors(path: Path, sha256: str | None) -> dict[str, Tensor]:
    content = read_weights(path, sha256)
    try:
        return safetensors.torch.load(content)
    except safetensors.SafetensorError as problem:
        raise PathgenError(path, f"not whole safetensors ({problem})", "Give another file") from None


def _module(name: str) -> Any:
    return importlib.import_module(f"pathgen.classifier.networks.{network_file(name).stem}")
