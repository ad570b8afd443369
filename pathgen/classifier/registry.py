"""Build a network with weights from a seed or from a file of pretrained weights."""

from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import nn

from pathgen.classifier.network_discovery import load_network, read_weights
from pathgen.classifier.settings import Initialisation
from pathgen.core.errors import PathgenError
from pathgen.core.seeding import derive_seed


def build_classifier(
    name: str, image_size_px: int, seed: int, initialisation: Initialisation = "torch"
) -> nn.Module:
    """Build a network with weights that depend on a seed alone.

    Args:
        name: Name of a file of `pathgen.classifier.networks`.
        image_size_px: Side of the patches in pixels.
        seed: Seed of the weights.
        initialisation: Distribution of the weights, see `ClassifierSettings`.

    Returns:
        The network, on the CPU, in training mode.

    Raises:
        PathgenError: The network does not exist, or the patches are too small for it.
    """
    file = load_network(name)
    smallest = file.SMALLEST_IMAGE_PX
    if image_size_px < smallest:
        reason = f"patches of {image_size_px} px are too small, it needs {smallest} px"
        raise PathgenError(f"network {name}", reason, "Extract larger patches")
    # torch's layers initialise themselves from the global generator. Seeding a fork of it keeps torch's
    # distributions for every network and leaves the caller's generator untouched.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive_seed(seed, "weights"))
        network: nn.Module = file.build(image_size_px)
        if initialisation == "kaiming":
            _initialise_kaiming(network)
    return network


def _initialise_kaiming(network: nn.Module) -> None:
    """Draw the weights of convolutions and linear layers from torch's global generator.

    Source: He et al., ICCV 2015 (arXiv 1502.01852), equation 10.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def fill_from_file(model: nn.Module, name: str, path: Path, sha256: str | None) -> list[str]:
    """Load pretrained weights into all layers of a network but its head.

    Args:
        model: Network, freshly initialised.
        name: Name of the network; its file names the tensors of head and stem.
        path: File in safetensors format with the network's tensor names, e.g. torchvision's weights of
            ResNet-18. Tensors of other names are ignored.
        sha256: Expected SHA-256 of the file; None fits no file.

    Returns:
        Names of the tensors that keep their initial weights: the head, and the stem where it does not fit.

    Raises:
        PathgenError: The file cannot be read, has another SHA-256, or lacks a tensor outside head and stem,
            or has it in another shape.
    """
    head, stem = (tuple(getattr(load_network(name), part, ())) for part in ("HEAD", "STEM"))
    own = model.state_dict()
    # Older files, such as torchvision's of its ResNets, lack this counter, which no network here uses.
    counters = {key: value for key, value in own.items() if key.endswith(".num_batches_tracked")}
    try:
        loaded = counters | safetensors.torch.load(read_weights(path, sha256))
    except safetensors.SafetensorError as problem:
        raise PathgenError(path, f"damaged safetensors ({problem})", "Use another file") from None
    fits = {key: key in loaded and loaded[key].shape == value.shape for key, value in own.items()}
    missing = [key for key in own if not fits[key] and not key.startswith(head + stem)]
    if missing:
        reason = f"does not fit {name} in {len(missing)} tensors, the first is {missing[0]}"
        raise PathgenError(path, reason, "Use weights of this network")
    fresh = [key for key in own if not fits[key] or key.startswith(head)]
    model.load_state_dict({key: own[key] if key in fresh else loaded[key] for key in own})
    return fresh
