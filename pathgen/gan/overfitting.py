"""Whether the discriminator learns its originals by heart: what it says of held-out ones beside them.

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
from pathgen.gan.conditioning import Classes, Given
from pathgen.gan.generator_spec import GanTrainer

_log = logging.getLogger(__name__)

# Columns of a look; docs/metrics.md explains each.
LOOKS = ("gan/known_accuracy", "gan/held_out_accuracy", "gan/generated_accuracy", "gan/overfitting")
# Originals, held-out and generated images that a look takes at most, each.
_IMAGES = 256
# The warning: in three looks in a row it accepts far fewer of the held-out patches than of its originals, or
# judges them nearer to generated ones than to originals which it accepts.
_GAP = 0.3
_RATIO = 0.5
_KNOWN = 0.8
_IN_A_ROW = 3
# Below this difference of mean logits the discriminator is undecided, and the ratio would be noise.
_DECIDED = 0.5


class Watch:
    """Looks now and then at what the discriminator in training makes of the same few images."""

    def __init__(
        self,
        originals: NDArray[np.uint8],
        held_out: NDArray[np.uint8],
        *,
        classes: Classes | None = None,
        batch_size: int,
        seed: int,
        device: torch.device,
    ) -> None:
        """Choose the images.

        Args:
            originals: uint8 (N, H, H, 3), those that are trained on.
            held_out: The same of patches that are not.
            classes: Theirs, where several are learned at once.
            batch_size: Of the training: BatchNorm and the deviation of a batch shall meet what they know.
            seed: Of the choice.
            device: Of the training.
        """
        self._batch_size = batch_size
        self._seed = seed
        self._classes = classes
        known = _chosen(len(originals), batch_size, seed, "known")
        others = _chosen(len(held_out), batch_size, seed, "held-out")
        self._known, self._held_out = _read(originals, known).to(device), _read(held_out, others).to(device)
        if classes is not None:
            self._known_labels = torch.from_numpy(classes.labels[known]).to(device)
            self._held_out_labels = torch.from_numpy(classes.held_out_labels[others]).to(device)

    def look(self, players: GanTrainer, generated: torch.Tensor, strength: float = 1.0) -> dict[str, float]:
        """Judge known, held-out and generated images; the networks stay as they are.

        Args:
            players: In training.
            generated: (n, 3, H, H), made by the generator as it would be kept now; of its classes in turn.
            strength: How much classes count now.

        Returns:
            Each of `LOOKS`; without the ratio where the discriminator is undecided.
        """
        # A copy: the running statistics of the original shall not see these images.
        judge = copy.deepcopy(players.discriminator).train()
        rows = _chosen(len(generated), self._batch_size, self._seed, "generated")
        if self._classes is None:
            known, held_out, made = (
                self._logits(judge, images) for images in (self._known, self._held_out, generated[rows])
            )
        else:
            labels = self._classes.in_turn(len(generated)).to(generated.device)[rows]
            known, held_out, made = (
                self._logits(judge, images, Given(of_images, strength))
                for images, of_images in (
                    (self._known, self._known_labels),
                    (self._held_out, self._held_out_labels),
                    (generated[rows], labels),
                )
            )
        told = {
            "gan/known_accuracy": float((known > 0).float().mean()),
            "gan/held_out_accuracy": float((held_out > 0).float().mean()),
            "gan/generated_accuracy": float((made < 0).float().mean()),
        }
        decided = float(known.mean() - made.mean())
        if decided > _DECIDED:
            told["gan/overfitting"] = float(known.mean() - held_out.mean()) / decided
        return told

    @torch.no_grad()
    def _logits(self, judge: nn.Module, images: torch.Tensor, given: Given | None = None) -> torch.Tensor:
        logits = []
        for first in range(0, len(images), self._batch_size):
            part = slice(first, first + self._batch_size)
            told = () if given is None else (Given(given.labels[part], given.strength),)
            logits.append(judge(images[part], *told).double())
        return torch.cat(logits)


def _chosen(count: int, batch_size: int, seed: int, purpose: str) -> NDArray[np.intp]:
    """Choose rows of up to `_IMAGES` images at random, in whole batches."""
    order = numpy_generator(seed, "watch", purpose).permutation(count)[:_IMAGES]
    return np.asarray(order[_rows(len(order), batch_size)])


def _read(images: NDArray[np.uint8], rows: NDArray[np.intp]) -> torch.Tensor:
    chosen = torch.from_numpy(np.asarray(images[rows]))
    return chosen.permute(0, 3, 1, 2).float() / 127.5 - 1.0  # (n, 3, H, H)


def _rows(count: int, batch_size: int) -> NDArray[np.intp]:
    """Return the rows of whole batches: some are left out, or all repeated where there are fewer than one."""
    wanted = max(1, count // batch_size) * batch_size
    # Each repeated in place: the images of one group of the minibatch deviation lie apart, and so differ.
    return np.arange(wanted) * count // wanted if wanted > count else np.arange(wanted)


def is_overfitting(looks: Sequence[dict[str, float]]) -> bool:
    """Tell whether the last looks in a row show a discriminator that knows its originals by heart.

    Args:
        looks: Of `Watch.look`, oldest first.
    """
    last = looks[-_IN_A_ROW:]
    return len(last) == _IN_A_ROW and all(_knows_by_heart(look) for look in last)


def _knows_by_heart(look: dict[str, float]) -> bool:
    known = look["gan/known_accuracy"]
    nearer = look.get("gan/overfitting", 0.0) > _RATIO and known >= _KNOWN
    return nearer or known - look["gan/held_out_accuracy"] > _GAP


def warn(what: str, looks: Sequence[dict[str, float]], images: int, count: int) -> None:
    """Say once, when it begins, that the discriminator is overfitting.

    Args:
        what: Name of the training.
        looks: So far.
        images: Originals shown so far.
        count: How many originals there are.
    """
    if is_overfitting(looks) and not is_overfitting(looks[:-1]):
        last = looks[-1]
        _log.warning(
            "%s: after %d images the discriminator knows the %d originals by heart (it accepts %.0f %% of "
            "them, %.0f %% of held-out ones): the generator may copy. Train on more patches, show fewer "
            "images (kimg), or set train_gan.augment to d4",
            what,
            images,
            count,
            100 * last["gan/known_accuracy"],
            100 * last["gan/held_out_accuracy"],
        )
