"""Controls: sets with a known answer, tested like the synthetic set.

A positive control that is not detected means that the tests lack power here; a negative control that is
detected means that they mistake something else for leakage. In both cases the tests allow no conclusion.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.metrics.statistics.multiple_testing import holm
from pathgen.privacy.attack import AttackFeatures, attack_features
from pathgen.privacy.attack_family import run_attacks
from pathgen.privacy.d4_ncc import SYMMETRIES, apply_symmetry
from pathgen.privacy.nearest_pairs import ClassPairs
from pathgen.privacy.overfit_control import overfitted
from pathgen.results.audit_record import ControlResult
from pathgen.training.augmentation import restained

_MAX_COPIES = 2000
_OVERFITTED_ON = 100
_SAMPLES_OF_EACH = 2
_STAIN_FACTOR = 0.1
_STAIN_OFFSET = 0.02
_NEGATIVE_CONTROLS = 3  # which share the significance level

FEW_COPIES = "few copies"


@dataclass(frozen=True)
class ControlSet:
    """A set with a known answer.

    Attributes:
        name: Identifier on disk; part of the purpose of random draws.
        kind: ``positive``: it leaks and must be detected; ``negative``: it does not and must not.
        what: Description for a reader.
        features: Features of the pool, given this set in place of the synthetic one.
    """

    name: str
    kind: Literal["positive", "negative"]
    what: str
    features: AttackFeatures


def mean_shrunk(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Move each patch half way to the mean patch, which reduces variety without copying."""
    return np.asarray(np.rint((images + images.mean(axis=0)) / 2).astype(np.uint8))


def rotate_each(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rotate or mirror each patch (N, S, S, 3) into a random one of the seven other orientations."""
    symmetries = rng.integers(1, SYMMETRIES, size=len(images))
    return np.stack([apply_symmetry(image, int(s)) for image, s in zip(images, symmetries, strict=True)])


def shift_each(images: NDArray[np.uint8], shift_px: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift each patch (N, S, S, 3) by `shift_px` along both axes, in random directions.

    The tissue beyond the border is unknown, so the border is filled by reflection.
    """
    side = images.shape[1]
    padded = np.pad(images, ((0, 0), (shift_px, shift_px), (shift_px, shift_px), (0, 0)), mode="reflect")
    corners = 2 * shift_px * rng.integers(0, 2, size=(len(images), 2))
    return np.stack(
        [image[y : y + side, x : x + side] for image, (y, x) in zip(padded, corners.tolist(), strict=True)]
    )


def stain_each(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Scale each stain of each patch (N, S, S, 3) by up to 10 %, and add a small offset."""
    shape = (len(images), 3)
    factors = torch.from_numpy(rng.uniform(1 - _STAIN_FACTOR, 1 + _STAIN_FACTOR, shape).astype(np.float32))
    offsets = torch.from_numpy(rng.uniform(-_STAIN_OFFSET, _STAIN_OFFSET, shape).astype(np.float32))
    values = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    changed = (restained(values, factors, offsets).permute(0, 2, 3, 1) + 1.0) * 127.5
    return np.asarray(changed.clamp(0, 255).round().to(torch.uint8).numpy())


def build_controls(pairs: ClassPairs) -> tuple[ControlSet, ...]:
    """Build all controls of one class, positive ones first.

    Copies are made of all training patches, also of those outside the pool, as a real generator would copy
    them. The few copies are added to the synthetic set itself, so that the controls measure the power of the
    tests on this set.
    """
    return (*_positive(pairs), *_negative(pairs))


def _positive(pairs: ClassPairs) -> list[ControlSet]:
    pool, settings = pairs.pool, pairs.settings
    rng = pairs.rng("controls", pairs.label)
    copy_share = settings.copy_share
    n_copies = int(np.ceil(copy_share / (1 - copy_share) * len(pairs.synthetic) - 1e-9))

    def sample_train(count: int) -> NDArray[np.uint8]:
        rows = rng.choice(len(pairs.train), size=count, replace=count > len(pairs.train))
        return np.asarray(pairs.train[np.sort(rows)])

    def control(name: str, what: str, images: NDArray[np.uint8], *, added: bool = True) -> ControlSet:
        profile = pairs.profile.union(pool.profile(images)) if added else pool.profile(images)
        features = attack_features(profile, pairs.reference_profile, pool)
        return ControlSet(name, "positive", what, features)

    copied = sample_train(n_copies)
    all_copies = sample_train(min(len(pool.members), _MAX_COPIES))
    n_overfitted = min(_OVERFITTED_ON, len(pool.members))
    chosen = rng.choice(len(pool.members), size=n_overfitted, replace=False)
    samples = overfitted(
        pool.members[np.sort(chosen)],
        _SAMPLES_OF_EACH * n_overfitted,
        seed=int(rng.integers(1 << 63)),
        device=pool.device,
    )
    memorised = f"samples of a small network overfitted to {n_overfitted} of the tested training patches"
    few = f"{n_copies} copies of training patches added to the synthetic set ({copy_share:.1%} of it)"
    restained = f"the same {n_copies} copies with randomly changed stain intensities"
    controls = [
        control("copies", "only copies of training patches", all_copies, added=False),
        control("memorised", memorised, samples, added=False),
        control(FEW_COPIES, few, copied),
        control("few restained copies", restained, stain_each(copied, rng)),
    ]
    moved, moves = copied, []
    if settings.symmetries == "square":
        moved = rotate_each(moved, rng)
        moves.append("rotated or mirrored")
    if settings.max_shift_px:
        moved = shift_each(moved, settings.max_shift_px, rng)
        moves.append(f"shifted by {settings.max_shift_px} px")
    if moves:
        what = f"the same {n_copies} copies, each {' and '.join(moves)}"
        controls.append(control("few moved copies", what, moved))
    return controls


def _negative(pairs: ClassPairs) -> list[ControlSet]:
    pool, (fresh, rest) = pairs.pool, pairs.half_profiles
    half = np.zeros(len(pool.members), dtype=np.bool_)
    rng = pairs.rng("training patches split in two", pairs.label)
    half[rng.permutation(len(half))[: len(half) // 2]] = True
    unseen = "unseen original patches of the same slides in place of the synthetic set"
    little = "the same unseen patches, each moved half way to their mean: little variety, no copies"
    halves = "the synthetic set against two random halves of the training patches"
    shrunk = attack_features(pool.profile(mean_shrunk(pairs.fresh)), rest, pool)
    split = attack_features(pairs.profile, pairs.reference_profile, pool, half)
    return [
        ControlSet("fresh originals", "negative", unseen, attack_features(fresh, rest, pool)),
        ControlSet("shrunken variety", "negative", little, shrunk),
        ControlSet("training patches split in two", "negative", halves, split),
    ]


def run_controls(pairs: ClassPairs, level: float) -> tuple[ControlResult, ...]:
    """Test all controls of one class.

    Args:
        pairs: Patches of the class and their nearest pairs.
        level: Significance level of each positive control; the negative ones share it.

    Returns:
        Results in the order of `build_controls`.
    """
    results = []
    for control in build_controls(pairs):
        rng = pairs.rng("labellings", pairs.label, control.name)
        tests = run_attacks(control.features, pairs.settings, rng)
        adjusted = holm({name: test.p_value for name, test in tests.items()})
        limit = level if control.kind == "positive" else level / _NEGATIVE_CONTROLS
        found_by = tuple(name for name, p in adjusted.items() if p <= limit)
        results.append(
            ControlResult(
                name=control.name,
                kind=control.kind,
                what=control.what,
                smallest_p_adjusted=min(adjusted.values()),
                found_by=found_by,
                as_expected=bool(found_by) == (control.kind == "positive"),
            )
        )
    return tuple(results)
