"""Training and validation sets of the regimes original, mixed and synthetic."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.classifier.settings import RegimeSettings, mixed_counts
from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.core.seeding import numpy_generator
from pathgen.patches.store import PatchSet

Regime = Literal["original", "mixed", "synthetic"]
REGIMES: tuple[Regime, ...] = get_args(Regime)


@dataclass(frozen=True)
class _Pick:
    """Rows of one class in one patch set."""

    label: str
    patches: PatchSet
    rows: NDArray[np.int64]


def _rows_of(patches: PatchSet, label: str) -> NDArray[np.int64]:
    return np.flatnonzero(np.asarray(patches.index["label"] == label)).astype(np.int64)


def _draw(rows: NDArray[np.int64], count: int, seed: int, *purpose: str) -> NDArray[np.int64]:
    """Draw without replacement; return the rows in the order of the set."""
    drawn = numpy_generator(seed, *purpose).permutation(len(rows))[:count]
    return np.sort(rows[drawn])


def _concatenate(picks: list[_Pick]) -> PatchSet:
    sizes = [len(pick.rows) for pick in picks]
    images = np.empty((sum(sizes), *picks[0].patches.images.shape[1:]), dtype=np.uint8)
    for pick, end in zip(picks, np.cumsum(sizes), strict=True):
        images[end - len(pick.rows) : end] = pick.patches.images[pick.rows]
    labels = np.repeat(np.array([pick.label for pick in picks], dtype=object), sizes)
    return PatchSet(images, pd.DataFrame({"label": labels}))


def _require_both_classes(patches: PatchSet, subject: str) -> PatchSet:
    for label in LABELS:
        if len(_rows_of(patches, label)) == 0:
            raise PathgenError(subject, f"has no {label} patch", "Draw patches of both classes")
    return patches


def build_regime(
    regime: Regime,
    original_train: PatchSet,
    original_valid: PatchSet,
    synthetic: Mapping[str, PatchSet],
    settings: RegimeSettings,
    seed: int,
) -> tuple[PatchSet, PatchSet]:
    """Compose the training and the validation set of one regime.

    Args:
        regime: ``original``: all original training patches. ``synthetic``: all synthetic patches that are not
            held out. ``mixed``: a mixture of both.
        original_train: Original training patches.
        original_valid: Original validation patches.
        synthetic: Label to the synthetic patches of that class; unused for ``original``.
        settings: Shares of the mixture, and the validation set of ``synthetic``.
        seed: Seed of the draws, which are without replacement and separate for each class.

    Returns:
        Training set and validation set, without a common patch; the original sets without a copy. Patches of
        one set and class are in the order of that set.

    Raises:
        PathgenError: A class is absent, there are too few synthetic patches, or sizes differ.
    """
    used = [original_train, original_valid, *(synthetic.values() if regime != "original" else ())]
    sizes = {patches.images.shape[1:3] for patches in used}
    if len(sizes) > 1:
        shapes = " and ".join(f"{height} x {width}" for height, width in sorted(sizes))
        raise PathgenError("patch sets", f"differ in size: {shapes} px", "Extract and synthesise them again")
    valid = _require_both_classes(original_valid, "original validation set")
    if regime == "original":
        train = _require_both_classes(original_train, "original training set")
    elif regime == "mixed":
        train = _concatenate(_mixed_picks(original_train, synthetic, settings, seed))
    elif settings.validate_on == "original":
        train = _concatenate([_all_rows(synthetic, label) for label in LABELS])
    else:
        assert settings.valid_share_synthetic is not None, "checked by RegimeSettings"
        share = settings.valid_share_synthetic
        parts = [_hold_out(_all_rows(synthetic, label), share, seed) for label in LABELS]
        train = _concatenate([kept for kept, _ in parts])
        valid = _concatenate([held_out for _, held_out in parts])
    return train, valid


def _mixed_picks(
    original: PatchSet,
    synthetic: Mapping[str, PatchSet],
    settings: RegimeSettings,
    seed: int,
) -> list[_Pick]:
    picks = []
    _require_both_classes(original, "original training set")
    for label in LABELS:
        rows = _rows_of(original, label)
        kept, wanted = mixed_counts(len(rows), settings.mixed_original, settings.mixed_synthetic)
        if kept == 0:
            reason = f"a share of {settings.mixed_original} of {len(rows)} {label} patches is none"
            raise PathgenError("original training set", reason, "Raise regimes.mixed_original")
        available = _all_rows(synthetic, label)
        if len(available.rows) < wanted:
            reason = f"mixed training needs {wanted} {label} patches, there are {len(available.rows)}"
            raise PathgenError(f"synthetic {label} set", reason, "Synthesise more, or train on fewer")
        picks.append(_Pick(label, original, _draw(rows, kept, seed, "original", label)))
        picks.append(replace(available, rows=_draw(available.rows, wanted, seed, "synthetic", label)))
    return picks


def _all_rows(synthetic: Mapping[str, PatchSet], label: str) -> _Pick:
    subject = f"synthetic {label} set"
    if label not in synthetic or len(synthetic[label]) == 0:
        raise PathgenError(subject, "holds no patch", "Synthesise some")
    rows = _rows_of(synthetic[label], label)
    others = len(synthetic[label]) - len(rows)
    if others:
        raise PathgenError(subject, f"holds {others} patches of the other class", "Synthesise it again")
    return _Pick(label, synthetic[label], rows)


def _hold_out(pick: _Pick, share: float, seed: int) -> tuple[_Pick, _Pick]:
    """Split the rows of one class into training rows and held-out rows."""
    count = round(len(pick.rows) * share)
    if not 0 < count < len(pick.rows):
        reason = f"a share of {share} of {len(pick.rows)} patches leaves one side empty"
        raise PathgenError(f"synthetic {pick.label} set", reason, "Synthesise more, or change the share")
    held_out = _draw(pick.rows, count, seed, "held out", pick.label)
    return replace(pick, rows=np.setdiff1d(pick.rows, held_out)), replace(pick, rows=held_out)
