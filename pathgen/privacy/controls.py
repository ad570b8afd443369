"""Controls: sets of which it is known whether they leak, put through the same tests as the synthetic set.

A positive control that is not found means that the tests are too weak here; a negative one that is found
means that they mistake something else for leakage. In either case nothing can be said about the set.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.metrics.statistics.multiple_testing import holm
from pathgen.privacy.attack_features import Evidence, closeness_threshold, gather, gather_within_members
from pathgen.privacy.attacks import run_attacks
from pathgen.privacy.nearest_pairs import Pool, Seen
from pathgen.privacy.overfit_control import drawn_by_heart
from pathgen.privacy.perturbed_copies import restained_each, shifted_each, turned_each

_MOST_COPIES = 2000
_LEARNT_BY_HEART = 100
_DRAWN_OF_EACH = 2
NEGATIVE_CONTROLS = 3
"""How many negative controls there are; the level is shared between them."""

Kind = Literal["positive", "negative"]


@dataclass(frozen=True)
class Control:
    """Result of one control.

    Attributes:
        name: Short name.
        kind: ``positive``: leaks and must be found; ``negative``: does not and must not.
        what: What was put through the tests, in words.
        smallest_p: Smallest adjusted p-value of the tests.
        found_by: Names of the tests that found leakage.
    """

    name: str
    kind: Kind
    what: str
    smallest_p: float
    found_by: tuple[str, ...]

    @property
    def as_expected(self) -> bool:
        """Whether the control was found when it had to be, or passed when it had to."""
        return bool(self.found_by) == (self.kind == "positive")


@dataclass(frozen=True)
class Known:
    """Sets of known nature, compared with the pool.

    Attributes:
        copies: Nothing but copies of training patches.
        by_heart: What was learnt by heart, in words, and what a network draws that did so.
        few_copies: Name to what they are in words, and the synthetic set with them among it.
        fresh: Half of the reference patches, which nobody learnt from.
        kept: The other half, the reference of `fresh` and `shrunken`.
        shrunken: The same as `fresh`, each half way to the mean: variety is lost, nothing is copied.
    """

    copies: Seen
    by_heart: tuple[str, Seen]
    few_copies: Mapping[str, tuple[str, Seen]]
    fresh: Seen
    kept: Seen
    shrunken: Seen


def shrunken(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring each patch half way to the mean patch: variety is lost, nothing is copied."""
    mean = images.mean(axis=0)
    shrunk: NDArray[np.uint8] = np.rint((images + mean) / 2).astype(np.uint8)
    return shrunk


def plant(
    pool: Pool,
    learnt_from: NDArray[np.uint8],
    synthetic: Seen,
    reference: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    reference_seen: tuple[Seen, Seen],
    *,
    copy_share: float,
    rng: np.random.Generator,
) -> Known:
    """Make the sets of known nature and compare them with the pool.

    Args:
        pool: Members and non-members. What is learnt by heart is chosen of the members: whether copies are
            found of which few are of members, the planted ones tell.
        learnt_from: ALL patches the generator learnt from, uint8 (N, S, S, 3). Copies are planted of these,
            also where only some of them are in the pool: a real copy would not choose those either.
        synthetic: The synthetic set; the few planted copies are added to it, so that the controls tell the
            power of the tests on this very set.
        reference: Two halves of the reference patches: the first plays the synthetic set in negative
            controls, the second stays the reference.
        reference_seen: What each half looks like to the attacks.
        copy_share: Share of planted copies, in (0, 1).
        rng: Source of the draws.

    Returns:
        The sets.
    """
    n_copies = int(np.ceil(copy_share / (1 - copy_share) * len(synthetic) - 1e-9))

    def copies(count: int) -> NDArray[np.uint8]:
        rows = rng.choice(len(learnt_from), size=count, replace=count > len(learnt_from))
        return np.asarray(learnt_from[np.sort(rows)])

    copied = copies(n_copies)
    changes: dict[str, tuple[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]]] = {
        "few copies": (
            f"{n_copies} copies of training patches hidden in the synthetic set ({copy_share:.1%} of it)",
            lambda images: images,
        ),
        "few restained copies": (
            f"the same {n_copies} copies, each with more or less of either stain",
            lambda images: restained_each(images, rng),
        ),
    }
    turning, shift = pool.symmetries == "square", pool.max_shift_px
    if turning or shift:
        done = " and ".join(["turned or mirrored"] * turning + [f"moved by {shift} px"] * bool(shift))

        def moved(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
            at = turned_each(images, rng) if turning else images
            return shifted_each(at, shift, rng) if shift else at

        changes["few moved copies"] = (f"the same {n_copies} copies, each {done}", moved)
    all_copies = copies(min(len(pool.members), _MOST_COPIES))
    n_learnt = min(_LEARNT_BY_HEART, len(pool.members))
    chosen = rng.choice(len(pool.members), size=n_learnt, replace=False)
    by_heart = drawn_by_heart(
        pool.members[np.sort(chosen)],
        _DRAWN_OF_EACH * n_learnt,
        generator=torch.Generator().manual_seed(int(rng.integers(1 << 63))),
        device=pool.device,
    )
    return Known(
        copies=pool.see(all_copies),
        by_heart=(
            f"drawings of a small network that learnt {n_learnt} of the tested training patches by heart",
            pool.see(by_heart),
        ),
        few_copies={
            name: (what, synthetic.together_with(pool.see(change(copied))))
            for name, (what, change) in changes.items()
        },
        fresh=reference_seen[0],
        kept=reference_seen[1],
        shrunken=pool.see(shrunken(reference[0])),
    )


def _evidences(
    pool: Pool, synthetic: Seen, known: Known, rng: np.random.Generator
) -> list[tuple[str, Kind, str, Evidence]]:
    """Gather what each control says about the pool: name, kind, in words, evidence."""
    reference = known.fresh.together_with(known.kept)
    threshold, without_fresh = closeness_threshold(reference), closeness_threshold(known.kept)
    at = pool.coordinates
    half = np.zeros(len(pool.members), dtype=np.bool_)
    half[rng.permutation(len(half))[: len(half) // 2]] = True
    learnt, by_heart = known.by_heart
    return [
        (
            "copies",
            "positive",
            "nothing but copies of training patches",
            gather(known.copies, reference, threshold, at),
        ),
        ("learnt by heart", "positive", learnt, gather(by_heart, reference, threshold, at)),
        *(
            (name, "positive", what, gather(seen, reference, threshold, at))
            for name, (what, seen) in known.few_copies.items()
        ),
        (
            "fresh originals",
            "negative",
            "original patches of the same slides that nobody learnt from, in place of the synthetic set",
            gather(known.fresh, known.kept, without_fresh, at),
        ),
        (
            "shrunken variety",
            "negative",
            "the same fresh originals, each half way to their mean: a poor generator that copies nothing",
            gather(known.shrunken, known.kept, without_fresh, at),
        ),
        (
            "training patches split in two",
            "negative",
            "the synthetic set against two random halves of the training patches",
            gather_within_members(synthetic, reference, threshold, at, half),
        ),
    ]


def run_controls(
    pool: Pool,
    synthetic: Seen,
    known: Known,
    *,
    level: float,
    confidence: float,
    n_permutations: int,
    seed: int,
    label: str,
) -> tuple[Control, ...]:
    """Put every control of one class through the tests.

    Args:
        pool: Members and non-members.
        synthetic: The synthetic set.
        known: From `plant`.
        level: Level at which the positive controls must be found; the negative ones share it.
        confidence: Coverage of intervals.
        n_permutations: Random labellings of the counting tests.
        seed: Seed of every draw.
        label: The class, part of the purpose of the draws.

    Returns:
        The controls, positive ones first.
    """
    controls = []
    halving = numpy_generator(seed, "privacy", "training patches split in two", label)
    for name, kind, what, evidence in _evidences(pool, synthetic, known, halving):
        findings = run_attacks(
            evidence,
            confidence=confidence,
            n_permutations=n_permutations,
            rng=numpy_generator(seed, "privacy", "labellings", label, name),
        )
        adjusted = holm({test: finding.p_value for test, finding in findings.items()})
        at = level if kind == "positive" else level / NEGATIVE_CONTROLS
        found_by = tuple(test for test, p in adjusted.items() if p <= at)
        controls.append(Control(name, kind, what, min(adjusted.values()), found_by))
    return tuple(controls)
