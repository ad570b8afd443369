"""Overfitting probe: the discriminator's logits of training patches compared with those of held-out patches.

Source: Karras et al. 2020, ADA (arXiv 2006.06676, section 3, equation 1) for the ratio r_v.
"""

import copy
import logging
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pathgen.core.seeding import numpy_generator
from pathgen.gan.conditioning import ClassCondition, balanced_labels
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.interface import GeneratorSettings

_log = logging.getLogger(__name__)

# Keys of a probe; docs/metrics.md explains them.
PROBE_KEYS = ("gan/known_accuracy", "gan/held_out_accuracy", "gan/generated_accuracy", "gan/overfitting")
# Maximum number of training, held-out and generated images of a probe, each.
_MAX_IMAGES = 256
# Warn if, in three probes in a row, it accepts far fewer held-out patches than training patches, or if the
# held-out patches lie nearer to the generated ones than to the training patches, which it accepts.
_MAX_GAP = 0.3
_MAX_RATIO = 0.5
_MIN_ACCEPTED = 0.8
_PROBES_IN_A_ROW = 3
# With a smaller difference of mean logits the discriminator is undecided, and the ratio is noise.
_MIN_SEPARATION = 0.5


class OverfittingProbe:
    """Measures a discriminator on the same few images each time."""

    def __init__(self, data: GanDataset, settings: GeneratorSettings, device: torch.device) -> None:
        """Choose the images.

        Args:
            data: Patches of the training, with held-out patches.
            settings: The recipe. Its batch size is used: BatchNorm and the minibatch deviation depend on it.
            device: Device of the training.
        """
        self._batch_size, self._seed, self._classes = settings.batch_size, settings.seed, data.classes
        self._originals = [
            self._read(data.images, data.labels, "known", device),
            self._read(data.held_out, data.held_out_labels, "held-out", device),
        ]

    def _read(
        self, images: NDArray[np.uint8], labels: NDArray[np.int64] | None, purpose: str, device: torch.device
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Choose images, (n, 3, H, H), with their labels (n,), if any."""
        rows = self._choose(len(images), purpose)
        chosen = torch.from_numpy(np.asarray(images[rows])).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        return chosen.to(device), None if labels is None else torch.from_numpy(labels[rows]).to(device)

    def _choose(self, count: int, purpose: str) -> NDArray[np.intp]:
        """Choose up to `_MAX_IMAGES` of `count` images at random, in whole batches."""
        order = numpy_generator(self._seed, "watch", purpose).permutation(count)[:_MAX_IMAGES]
        return np.asarray(order[_whole_batches(len(order), self._batch_size)])

    def measure(self, d: nn.Module, generated: torch.Tensor, weight: float = 1.0) -> dict[str, float]:
        """Compare the logits of training, held-out and generated images.

        Args:
            d: Discriminator in training; unchanged.
            generated: Images (n, 3, H, H) of the generator, of balanced labels.
            weight: Weight of the class condition.

        Returns:
            Value of each of `PROBE_KEYS`; without the ratio if the discriminator is undecided.
        """
        # A copy: these images must not enter the running statistics.
        d = copy.deepcopy(d).train()
        rows = self._choose(len(generated), "generated")
        labels = None
        if self._classes:
            labels = balanced_labels(len(generated), self._classes).to(generated.device)[rows]
        known, held_out, fake = (
            self._logits(d, images, None if own is None else ClassCondition(own, weight))
            for images, own in (*self._originals, (generated[rows], labels))
        )
        values = {
            "gan/known_accuracy": float((known > 0).float().mean()),
            "gan/held_out_accuracy": float((held_out > 0).float().mean()),
            "gan/generated_accuracy": float((fake < 0).float().mean()),
        }
        separation = float(known.mean() - fake.mean())
        if separation > _MIN_SEPARATION:
            values["gan/overfitting"] = float(known.mean() - held_out.mean()) / separation
        return values

    @torch.no_grad()
    def _logits(self, d: nn.Module, images: torch.Tensor, c: ClassCondition | None) -> torch.Tensor:
        logits = []
        for first in range(0, len(images), self._batch_size):
            rows = slice(first, first + self._batch_size)
            condition = () if c is None else (c[rows],)
            logits.append(d(images[rows], *condition).double())
        return torch.cat(logits)


def _whole_batches(count: int, batch_size: int) -> NDArray[np.intp]:
    """Return indices in whole batches: the last ones are left out, or all repeated if there are too few."""
    wanted = max(1, count // batch_size) * batch_size
    # Repeated in place: the images of one group of the minibatch deviation are not neighbours, and so differ.
    return np.arange(wanted) * count // wanted if wanted > count else np.arange(wanted)


def is_overfitting(probes: Sequence[dict[str, float]]) -> bool:
    """Return whether the last probes show a discriminator that has memorised its training patches.

    Args:
        probes: Values of `OverfittingProbe.measure`, oldest first.
    """
    last = probes[-_PROBES_IN_A_ROW:]
    return len(last) == _PROBES_IN_A_ROW and all(
        (probe.get("gan/overfitting", 0.0) > _MAX_RATIO and probe["gan/known_accuracy"] >= _MIN_ACCEPTED)
        or probe["gan/known_accuracy"] - probe["gan/held_out_accuracy"] > _MAX_GAP
        for probe in last
    )


def warn_if_overfitting(desc: str, probes: Sequence[dict[str, float]], images: int, count: int) -> None:
    """Warn once, when the overfitting begins.

    Args:
        desc: Description of the training.
        probes: Values of `OverfittingProbe.measure`, oldest first.
        images: Number of original images so far.
        count: Number of training patches.
    """
    if is_overfitting(probes) and not is_overfitting(probes[:-1]):
        last = probes[-1]
        _log.warning(
            "%s: after %d images the discriminator has memorised the %d training patches (it accepts %.0f %% "
            "of them and %.0f %% of held-out patches); the generator may copy. Train on more patches, lower "
            "kimg, or set augment to d4",
            desc,
            images,
            count,
            100 * last["gan/known_accuracy"],
            100 * last["gan/held_out_accuracy"],
        )
