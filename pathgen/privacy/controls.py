"""Controls: sets of which it is known whether they leak, put through the same tests as the synthetic set.

A positive control that is not found means that the tests are too weak here; a negative one that is found
means that they mistake something else for leakage. In either case nothing can be said about the set.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.several import holm
from pathgen.privacy.attacks import run_attacks
from pathgen.privacy.evidence import Evidence, closeness_threshold, gather, gather_within_members
from pathgen.privacy.matches import MatchesBy, Pool, both
from pathgen.privacy.neighbours import SYMMETRIES, turned
from pathgen.seeding import numpy_generator

_MOST_COPIES = 2000
NEGATIVE_CONTROLS = 3
"""How many negative controls there are; the level is shared between them."""


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
    kind: Literal["positive", "negative"]
    what: str
    smallest_p: float
    found_by: tuple[str, ...]

    @property
    def as_expected(self) -> bool:
        """Whether the control was found when it had to be, or passed when it had to."""
        return bool(self.found_by) == (self.kind == "positive")


def found_by(
    evidence: Evidence, *, level: float, confidence: float, n_permutations: int, rng: np.random.Generator
) -> tuple[float, tuple[str, ...]]:
    """Run the attacks; return the smallest adjusted p-value and the tests at or below the level."""
    findings = run_attacks(evidence, confidence=confidence, n_permutations=n_permutations, rng=rng)
    adjusted = holm({name: finding.p_value for name, finding in findings.items()})
    return min(adjusted.values()), tuple(name for name, p in adjusted.items() if p <= level)


def _turn_each(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Bring each patch into a random one of the seven other positions."""
    symmetries = rng.integers(1, SYMMETRIES, size=len(images))
    return np.stack([turned(image, int(s)) for image, s in zip(images, symmetries, strict=True)])


def _shrunken(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring each patch half way to the mean patch: variety is lost, nothing is copied."""
    mean = images.mean(axis=0)
    shrunk: NDArray[np.uint8] = np.rint((images + mean) / 2).astype(np.uint8)
    return shrunk


def run_controls(
    pool: Pool,
    learnt_from: NDArray[np.uint8],
    synthetic: MatchesBy,
    reference: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    reference_matches: tuple[MatchesBy, MatchesBy],
    *,
    copy_share: float,
    level: float,
    confidence: float,
    n_permutations: int,
    seed: int,
    label: str,
) -> tuple[Control, ...]:
    """Run every control of one class.

    Args:
        pool: Members and non-members.
        learnt_from: ALL patches the generator learnt from, uint8 (N, S, S, 3). Copies are planted of these,
            also where only some of them are in the pool: a real copy would not choose those either.
        synthetic: Matches of the synthetic set; the few planted copies are added to it, so that the
            controls tell the power of the tests on this very set.
        reference: Two halves of the reference patches: the first plays the synthetic set in negative
            controls, the second stays the reference.
        reference_matches: Their matches.
        copy_share: Share of planted copies, in (0, 1).
        level: Level at which the positive controls must be found; the negative ones share it.
        confidence: Coverage of intervals.
        n_permutations: Random labellings of the counting tests.
        seed: Seed of every draw.
        label: The class, part of the purpose of the draws.

    Returns:
        The controls, positive ones first.
    """
    n, n_synthetic = len(pool.members), len(next(iter(synthetic.values())).member)
    n_copies = int(np.ceil(copy_share / (1 - copy_share) * n_synthetic - 1e-9))
    whole_reference = both(*reference_matches)
    threshold = closeness_threshold(whole_reference)
    fresh, kept = reference_matches
    rng = numpy_generator(seed, "privacy", "controls", label)

    def copies(count: int) -> NDArray[np.uint8]:
        rows = rng.choice(len(learnt_from), size=count, replace=count > len(learnt_from))
        return np.asarray(learnt_from[np.sort(rows)])

    copied = copies(n_copies)
    evidences: list[tuple[str, Literal["positive", "negative"], str, Evidence]] = [
        (
            "copies",
            "positive",
            "nothing but copies of training patches",
            gather(pool.match(copies(min(n, _MOST_COPIES))), whole_reference, threshold),
        ),
        (
            "few copies",
            "positive",
            f"{n_copies} copies of training patches hidden in the synthetic set ({copy_share:.1%} of it)",
            gather(both(synthetic, pool.match(copied)), whole_reference, threshold),
        ),
    ]
    if "ncc-square" in pool.measures:
        turned_copies = pool.match(_turn_each(copied, rng))
        evidences.append(
            (
                "few turned copies",
                "positive",
                f"the same {n_copies} copies, each turned or mirrored",
                gather(both(synthetic, turned_copies), whole_reference, threshold),
            )
        )
    without_fresh = closeness_threshold(kept)
    half = np.zeros(n, dtype=np.bool_)
    half[rng.permutation(n)[: n // 2]] = True
    evidences += [
        (
            "fresh originals",
            "negative",
            "original patches of the same slides that nobody learnt from, in place of the synthetic set",
            gather(fresh, kept, without_fresh),
        ),
        (
            "shrunken variety",
            "negative",
            "the same fresh originals, each half way to their mean: a poor generator that copies nothing",
            gather(pool.match(_shrunken(reference[0])), kept, without_fresh),
        ),
        (
            "training patches split in two",
            "negative",
            "the synthetic set against two random halves of the training patches",
            gather_within_members(synthetic, whole_reference, threshold, half),
        ),
    ]
    controls = []
    for name, kind, what, evidence in evidences:
        smallest, tests = found_by(
            evidence,
            level=level if kind == "positive" else level / NEGATIVE_CONTROLS,
            confidence=confidence,
            n_permutations=n_permutations,
            rng=numpy_generator(seed, "privacy", "labellings", label, name),
        )
        controls.append(Control(name, kind, what, smallest, tests))
    return tuple(controls)
