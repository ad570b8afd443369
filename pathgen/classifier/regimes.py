"""Training and validation sets of the regimes original, mixed and synthetic."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.classifier.settings import RegimeSettings, mixed_counts
from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.core.seeding import numpy_generator
from pathgen.patches.store import PatchSet

Regime = Literal["original", "mixed", "synthetic"]


_Rows = tuple[PatchSet, NDArray[np.int64]]
"""Some patches of a set, by their row numbers."""


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
        PathgenError: A set lacks a class or differs in size, a share of the patches is none, or there are
            too few synthetic ones.
    """
    _require_both_classes(original_valid, "original validation set")
    if regime != "synthetic":
        _require_both_classes(original_train, "original training set")
        if original_train.images.shape[1:] != original_valid.images.shape[1:]:
            raise PathgenError("original validation set", "has patches of another size", "Extract them again")
    if regime == "original":
        return original_train, original_valid
    for label in LABELS:
        if label not in synthetic or set(synthetic[label].index["label"]) != {label}:
            raise PathgenError(f"synthetic {label} set", f"is not one of {label} patches", "Synthesise it")
        if synthetic[label].images.shape[1:] != original_valid.images.shape[1:]:
            reason = "has patches of another size than the original ones"
            raise PathgenError(f"synthetic {label} set", reason, "Extract and synthesise them again")
    if regime == "mixed":
        return _joined(_mixed(original_train, synthetic, settings, seed)), original_valid
    if settings.validate_on == "original":
        return _joined([_all_rows(synthetic[label]) for label in LABELS]), original_valid
    assert settings.valid_share_synthetic is not None, "checked by RegimeSettings"
    parts = [_split(synthetic[label], label, settings.valid_share_synthetic, seed) for label in LABELS]
    return _joined([kept for kept, _ in parts]), _joined([held_out for _, held_out in parts])


def _require_both_classes(patches: PatchSet, subject: str) -> None:
    for label in sorted(set(LABELS) - set(patches.index["label"])):
        raise PathgenError(subject, f"has no {label} patch", "Sample patches of both classes")


def _joined(parts: list[_Rows]) -> PatchSet:
    """Copy the patches into one set."""
    sizes = [len(rows) for _, rows in parts]
    images = np.empty((sum(sizes), *parts[0][0].images.shape[1:]), dtype=np.uint8)
    for (patches, rows), end in zip(parts, np.cumsum(sizes), strict=True):
        images[end - len(rows) : end] = patches.images[rows]
    labels = np.concatenate([patches.index["label"].to_numpy(dtype=object)[rows] for patches, rows in parts])
    return PatchSet(images, pd.DataFrame({"label": labels}))


def _all_rows(patches: PatchSet) -> _Rows:
    return patches, np.arange(len(patches))


def _draw(rows: NDArray[np.int64], count: int, seed: int, *purpose: str) -> NDArray[np.int64]:
    """Draw without replacement; return the rows in the order of the set."""
    drawn = numpy_generator(seed, *purpose).permutation(len(rows))[:count]
    return np.sort(rows[drawn])


def _mixed(
    original: PatchSet, synthetic: Mapping[str, PatchSet], settings: RegimeSettings, seed: int
) -> list[_Rows]:
    parts = []
    for label in LABELS:
        rows = np.flatnonzero(original.index["label"] == label)
        kept, wanted = mixed_counts(len(rows), settings.mixed_original, settings.mixed_synthetic)
        if kept == 0:
            reason = f"a share of {settings.mixed_original} of {len(rows)} {label} patches is none"
            raise PathgenError("original training set", reason, "Raise regimes.mixed_original")
        patches, available = _all_rows(synthetic[label])
        if len(available) < wanted:
            reason = f"mixed training needs {wanted} {label} patches, there are {len(available)}"
            raise PathgenError(f"synthetic {label} set", reason, "Synthesise more, or train on fewer")
        parts.append((original, _draw(rows, kept, seed, "original", label)))
        parts.append((patches, _draw(available, wanted, seed, "synthetic", label)))
    return parts


def _split(patches: PatchSet, label: str, share: float, seed: int) -> tuple[_Rows, _Rows]:
    """Split the patches of one class into training and held-out ones."""
    count = round(len(patches) * share)
    if not 0 < count < len(patches):
        reason = f"a share of {share} of {len(patches)} patches leaves one side empty"
        raise PathgenError(f"synthetic {label} set", reason, "Synthesise more, or change the share")
    held_out = _draw(np.arange(len(patches)), count, seed, "held out", label)
    return (patches, np.setdiff1d(np.arange(len(patches)), held_out)), (patches, held_out)
