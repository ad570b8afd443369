"""Controls: sets with a known answer, tested like the synthetic set.

A positive control that is not detected means that the tests lack power here; a negative control that is
detected means that they mistake something else for leakage. In both cases the tests allow no conclusion.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.metrics.statistics.multiple_testing import holm
from pathgen.privacy.attack_family import run_attacks
from pathgen.privacy.attack_features import AttackFeatures, attack_features, null_attack_features
from pathgen.privacy.nearest_pairs import ClassPairs
from pathgen.privacy.overfit_control import overfitted
from pathgen.privacy.perturbed_copies import rotate_each, shift_each, stain_each
from pathgen.results.audit import ControlResult

_MAX_COPIES = 2000
_OVERFITTED_ON = 100
_SAMPLES_OF_EACH = 2
NEGATIVE_CONTROLS = 3
"""Number of negative controls, which share the significance level."""

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


def build_controls(pairs: ClassPairs) -> tuple[ControlSet, ...]:
    """Build all controls of one class.

    Copies are made of all training patches, also of those outside the pool, as a real generator would copy
    them. The few copies are added to the synthetic set itself, so that the controls measure the power of the
    tests on this set.

    Args:
        pairs: Patches of the class and their nearest pairs.

    Returns:
        Controls, positive ones first.
    """
    pool, synthetic = pairs.pool, pairs.profile
    rng = pairs.rng("controls", pairs.label)
    copy_share = pairs.settings.copy_share
    n_copies = int(np.ceil(copy_share / (1 - copy_share) * len(synthetic) - 1e-9))

    def sample_train(count: int) -> NDArray[np.uint8]:
        rows = rng.choice(len(pairs.train), size=count, replace=count > len(pairs.train))
        return np.asarray(pairs.train[np.sort(rows)])

    def features(images: NDArray[np.uint8]) -> AttackFeatures:
        return attack_features(pool.profile(images), pairs.reference_profile, pool)

    copied = sample_train(n_copies)
    all_copies = sample_train(min(len(pool.members), _MAX_COPIES))
    n_overfitted = min(_OVERFITTED_ON, len(pool.members))
    chosen = rng.choice(len(pool.members), size=n_overfitted, replace=False)
    samples = overfitted(
        pool.members[np.sort(chosen)],
        _SAMPLES_OF_EACH * n_overfitted,
        generator=torch.Generator().manual_seed(int(rng.integers(1 << 63))),
        device=pool.search.device,
    )
    positive = [
        ControlSet("copies", "positive", "only copies of training patches", features(all_copies)),
        ControlSet(
            "learnt by heart",
            "positive",
            f"samples of a small network overfitted to {n_overfitted} of the tested training patches",
            features(samples),
        ),
    ]
    for name, what, change in _changes(pairs, n_copies, rng):
        with_copies = synthetic.union(pool.profile(change(copied)))
        found = attack_features(with_copies, pairs.reference_profile, pool)
        positive.append(ControlSet(name, "positive", what, found))
    return (*positive, *_negative(pairs))


Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def _changes(pairs: ClassPairs, n_copies: int, rng: np.random.Generator) -> list[tuple[str, str, Change]]:
    """Return name, description and change of the copies that are added to the synthetic set."""
    rotated, shift = pairs.pool.search.symmetries == "square", pairs.pool.search.max_shift_px
    found: list[tuple[str, str, Change]] = [
        (
            FEW_COPIES,
            f"{n_copies} copies of training patches added to the synthetic set "
            f"({pairs.settings.copy_share:.1%} of it)",
            lambda images: images,
        ),
        (
            "few restained copies",
            f"the same {n_copies} copies with randomly changed stain intensities",
            lambda images: stain_each(images, rng),
        ),
    ]
    if rotated or shift:
        done = " and ".join(["rotated or mirrored"] * rotated + [f"shifted by {shift} px"] * bool(shift))

        def moved(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
            oriented = rotate_each(images, rng) if rotated else images
            return shift_each(oriented, shift, rng) if shift else oriented

        found.append(("few moved copies", f"the same {n_copies} copies, each {done}", moved))
    return found


def _negative(pairs: ClassPairs) -> list[ControlSet]:
    pool, (fresh, rest) = pairs.pool, pairs.reference_profiles
    half = np.zeros(len(pool.members), dtype=np.bool_)
    rng = pairs.rng("training patches split in two", pairs.label)
    half[rng.permutation(len(half))[: len(half) // 2]] = True
    return [
        ControlSet(
            "fresh originals",
            "negative",
            "unseen original patches of the same slides in place of the synthetic set",
            attack_features(fresh, rest, pool),
        ),
        ControlSet(
            "shrunken variety",
            "negative",
            "the same unseen patches, each moved half way to their mean: little variety, no copies",
            attack_features(pool.profile(mean_shrunk(pairs.reference[0])), rest, pool),
        ),
        ControlSet(
            "training patches split in two",
            "negative",
            "the synthetic set against two random halves of the training patches",
            null_attack_features(pairs.profile, pairs.reference_profile, pool, half),
        ),
    ]


def run_controls(
    pairs: ClassPairs, controls: Sequence[ControlSet], level: float
) -> tuple[ControlResult, ...]:
    """Test all controls of one class.

    Args:
        pairs: Patches of the class and their nearest pairs.
        controls: Controls from `build_controls`.
        level: Significance level of each positive control; the negative ones share it.

    Returns:
        Results in the order of the controls.
    """
    results = []
    for control in controls:
        rng = pairs.rng("labellings", pairs.label, control.name)
        tests = run_attacks(control.features, pairs.settings, rng)
        adjusted = holm({name: test.p_value for name, test in tests.items()})
        limit = level if control.kind == "positive" else level / NEGATIVE_CONTROLS
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
