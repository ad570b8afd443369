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

from pathgen.gan.architecture import PlayersInTraining
from pathgen.seeding import numpy_generator

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
        batch_size: int,
        seed: int,
        device: torch.device,
    ) -> None:
        """Choose the images.

        Args:
            originals: uint8 (N, H, H, 3), those that are trained on.
            held_out: The same of patches that are not.
            batch_size: Of the training: BatchNorm and the deviation of a batch shall meet what they know.
            seed: Of the choice.
            device: Of the training.
        """
        self._batch_size = batch_size
        self._known = _chosen(originals, batch_size, seed, "known").to(device)
        self._held_out = _chosen(held_out, batch_size, seed, "held-out").to(device)

    def look(self, players: PlayersInTraining, generated: torch.Tensor) -> dict[str, float]:
        """Judge known, held-out and generated images; the networks stay as they are.

        Args:
            players: In training.
            generated: (n, 3, H, H), made by the generator as it would be kept now.

        Returns:
            Each of `LOOKS`; without the ratio where the discriminator is undecided.
        """
        # A copy: the running statistics of the original shall not see these images.
        judge = copy.deepcopy(players.discriminator).train()
        made = generated[_rows(len(generated), self._batch_size)]
        known, held_out, made = (
            self._logits(judge, images) for images in (self._known, self._held_out, made)
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
    def _logits(self, judge: nn.Module, images: torch.Tensor) -> torch.Tensor:
        return torch.cat([judge(batch).double() for batch in torch.split(images, self._batch_size)])


def _chosen(images: NDArray[np.uint8], batch_size: int, seed: int, purpose: str) -> torch.Tensor:
    """Choose up to `_IMAGES` at random, in whole batches."""
    order = numpy_generator(seed, "watch", purpose).permutation(len(images))[:_IMAGES]
    chosen = np.asarray(images[np.sort(order)])[_rows(len(order), batch_size)]
    return torch.from_numpy(chosen).permute(0, 3, 1, 2).float() / 127.5 - 1.0  # (n, 3, H, H)


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
