"""What a classifier is trained and validated on, by regime: original, mixed or synthetic patches."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.classifier.mixing import mixed_counts
from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS, label_index
from pathgen.core.seeding import numpy_generator
from pathgen.patches.store import PatchSet

Regime = Literal["original", "mixed", "synthetic"]
REGIMES: tuple[Regime, ...] = get_args(Regime)


@dataclass(frozen=True)
class LabelledImages:
    """Patches with class numbers, and where each came from.

    Attributes:
        images: uint8 of shape (N, H, W, 3).
        labels: int64 of shape (N,); 0 normal, 1 tumor.
        origin: N rows in the same order: kind (original or synthetic), label, row (position in the
            patch set it was drawn from; for synthetic patches, in that of its class).
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    origin: pd.DataFrame

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class _Pick:
    """Some rows of one patch set, of one class."""

    kind: str
    label: str
    patches: PatchSet
    rows: NDArray[np.int64]


def _rows_of(patches: PatchSet, label: str) -> NDArray[np.int64]:
    return np.flatnonzero(np.asarray(patches.index["label"] == label)).astype(np.int64)


def _draw(rows: NDArray[np.int64], count: int, seed: int, *purpose: str) -> NDArray[np.int64]:
    """Draw without replacement; the result is in the order of the set."""
    drawn = numpy_generator(seed, *purpose).permutation(len(rows))[:count]
    return np.sort(rows[drawn])


def _gathered(picks: list[_Pick]) -> LabelledImages:
    sides = {pick.patches.images.shape[1:] for pick in picks}
    if len(sides) != 1:
        said = " and ".join(f"{height} x {width}" for height, width, _ in sorted(sides))
        raise PathgenError("patch sets", f"differ in size: {said} px", "Extract and synthesise them again")
    count = sum(len(pick.rows) for pick in picks)
    images = np.empty((count, *sides.pop()), dtype=np.uint8)
    origins, start = [], 0
    for pick in picks:
        end = start + len(pick.rows)
        images[start:end] = pick.patches.images[pick.rows]
        origins.append(pd.DataFrame({"kind": pick.kind, "label": pick.label, "row": pick.rows}))
        start = end
    origin = pd.concat(origins, ignore_index=True)
    labels = np.repeat([label_index(pick.label) for pick in picks], [len(pick.rows) for pick in picks])
    return LabelledImages(images, labels.astype(np.int64), origin)


def _whole(patches: PatchSet, subject: str) -> LabelledImages:
    """Take an original set as it is, in its order and without a copy."""
    for label in LABELS:
        if len(_rows_of(patches, label)) == 0:
            raise PathgenError(subject, f"has no {label} patch", "Draw patches of both classes")
    names = patches.index["label"].reset_index(drop=True)
    rows = np.arange(len(patches), dtype=np.int64)
    origin = pd.DataFrame({"kind": "original", "label": names, "row": rows})
    return LabelledImages(patches.images, np.asarray(names == "tumor", dtype=np.int64), origin)


def build_regime(
    regime: Regime,
    original_train: PatchSet,
    original_valid: PatchSet,
    synthetic: Mapping[str, PatchSet],
    *,
    mixed_original: float,
    mixed_synthetic: float,
    validate_on: Literal["original", "code"],
    valid_share_synthetic: float | None,
    seed: int,
) -> tuple[LabelledImages, LabelledImages]:
    """Compose the training and the validation patches of one regime.

    Args:
        regime: ``original``: trained on all original training patches. ``synthetic``: on all synthetic
            ones but those held out. ``mixed``: on a mixture of both.
        original_train: The original training patches.
        original_valid: The original validation patches.
        synthetic: Label to the synthetic patches of that class; not looked at for ``original``.
        mixed_original: Share of the n original patches of a class that ``mixed`` takes, rounded down, in
            (0, 1]; the paper 0.5, the published code 1.
        mixed_synthetic: Synthetic patches of that class beside them, as a share of n, rounded up; likewise.
        validate_on: ``original``: every regime is validated on `original_valid` (the paper's table).
            ``code``: ``synthetic`` is validated on held-out synthetic patches (the published code).
        valid_share_synthetic: Share of each class's synthetic patches held out for ``code``, in (0, 1).
        seed: Decides what is drawn. Draws are without replacement, and separate for each class.

    Returns:
        Training patches, validation patches. They share no patch. What came from one set and class is
        in the order of that set.

    Raises:
        PathgenError: A class is absent, there are too few synthetic patches, or sizes differ.
    """
    valid = _whole(original_valid, "original validation set")
    if regime == "original":
        train = _whole(original_train, "original training set")
    elif regime == "mixed":
        train = _gathered(_mixed_picks(original_train, synthetic, mixed_original, mixed_synthetic, seed))
    elif validate_on == "original":
        train = _gathered([_all_of(synthetic, label) for label in LABELS])
    else:
        assert valid_share_synthetic is not None, "the settings ask for it"
        parts = [_parted(_all_of(synthetic, label), valid_share_synthetic, seed) for label in LABELS]
        train = _gathered([kept for kept, _ in parts])
        valid = _gathered([held_out for _, held_out in parts])
    if train.images.shape[1:] != valid.images.shape[1:]:
        reason = f"{train.images.shape[1:3]} px in training, {valid.images.shape[1:3]} px in validation"
        raise PathgenError("patch sets", f"differ in size: {reason}", "Extract and synthesise them again")
    return train, valid


def _mixed_picks(
    original: PatchSet,
    synthetic: Mapping[str, PatchSet],
    share_original: float,
    share_synthetic: float,
    seed: int,
) -> list[_Pick]:
    picks = []
    for label in LABELS:
        rows = _rows_of(original, label)
        if len(rows) == 0:
            raise PathgenError("original training set", f"has no {label} patch", "Draw both classes")
        kept, wanted = mixed_counts(len(rows), share_original, share_synthetic)
        if kept == 0:
            reason = f"a share of {share_original} of {len(rows)} {label} patches is none"
            raise PathgenError("original training set", reason, "Raise regimes.mixed_original")
        made = _all_of(synthetic, label)
        if len(made.rows) < wanted:
            reason = f"mixed training needs {wanted} {label} patches, there are {len(made.rows)}"
            raise PathgenError(f"synthetic {label} set", reason, "Synthesise more, or train on fewer")
        picks.append(_Pick("original", label, original, _draw(rows, kept, seed, "original", label)))
        picks.append(replace(made, rows=_draw(made.rows, wanted, seed, "synthetic", label)))
    return picks


def _all_of(synthetic: Mapping[str, PatchSet], label: str) -> _Pick:
    subject = f"synthetic {label} set"
    if label not in synthetic or len(synthetic[label]) == 0:
        raise PathgenError(subject, "holds no patch", "Synthesise some")
    rows = _rows_of(synthetic[label], label)
    others = len(synthetic[label]) - len(rows)
    if others:
        raise PathgenError(subject, f"holds {others} patches of the other class", "Synthesise it again")
    return _Pick("synthetic", label, synthetic[label], rows)


def _parted(pick: _Pick, share: float, seed: int) -> tuple[_Pick, _Pick]:
    """Part one class into what is trained on and what is held out."""
    count = round(len(pick.rows) * share)
    if not 0 < count < len(pick.rows):
        reason = f"a share of {share} of {len(pick.rows)} patches leaves one side empty"
        raise PathgenError(f"synthetic {pick.label} set", reason, "Synthesise more, or change the share")
    held_out = _draw(pick.rows, count, seed, "held out", pick.label)
    return replace(pick, rows=np.setdiff1d(pick.rows, held_out)), replace(pick, rows=held_out)
