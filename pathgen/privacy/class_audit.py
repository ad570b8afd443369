"""The audit of one class: who is nearest to whom, the tests on it, the controls, the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.metrics.statistics.multiple_testing import holm
from pathgen.privacy.attack_features import Evidence, closeness_threshold, gather
from pathgen.privacy.attacks import QUESTIONS, Finding, run_attacks
from pathgen.privacy.controls import Control, Known, plant, run_controls
from pathgen.privacy.density import fit_projection
from pathgen.privacy.memorisation_scores import DESCRIPTIONS, Description
from pathgen.privacy.nearest_pairs import Pool, Seen
from pathgen.privacy.rate_intervals import wilson_interval
from pathgen.privacy.shift_ncc import Symmetries
from pathgen.privacy.verdict import Verdict, decide, explain


@dataclass(frozen=True)
class Comparison:
    """All nearest pairs of one class.

    Attributes:
        synthetic: The synthetic patches looked at, uint8 (Q, S, S, 3).
        pool: The members and non-members, n of each.
        learnt_from: All patches the generator learnt from, uint8 (N, S, S, 3); the members are among them.
        seen: The synthetic patches as the attacks see them.
        reference: The reference patches, n, in two random halves.
        reference_seen: Each half as the attacks see it.
    """

    synthetic: NDArray[np.uint8]
    pool: Pool
    learnt_from: NDArray[np.uint8]
    seen: Seen
    reference: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    reference_seen: tuple[Seen, Seen]

    @property
    def fresh(self) -> Seen:
        """All reference patches as the attacks see them."""
        return self.reference_seen[0].together_with(self.reference_seen[1])

    @property
    def evidence(self) -> Evidence:
        """What the synthetic set says about members and non-members."""
        return gather(self.seen, self.fresh, closeness_threshold(self.fresh), self.pool.coordinates)


@dataclass(frozen=True)
class LabelAudit:
    """What was found about one class.

    Attributes:
        verdict: The verdict on the class.
        text: The verdict in sentences.
        patches: Patches looked at, by population.
        findings: Results of the tests by name.
        adjusted: Their p-values, adjusted for the number of tests.
        level: Level that the adjusted p-values are held against.
        controls: Results of the controls.
        above: How many synthetic patches correlate more with an original than 999 in 1,000 fresh originals
            do, with members and with non-members. A smooth or repetitive generator exceeds .001 on BOTH
            sides without copying: only the gap tells, so that this is no test.
    """

    verdict: Verdict
    text: str
    patches: dict[str, int]
    findings: dict[str, Finding]
    adjusted: dict[str, float]
    level: float
    controls: tuple[Control, ...]
    above: dict[str, Finding]

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "verdict": self.verdict,
            "text": self.text,
            "patches": self.patches,
            "level": self.level,
            "tests": {
                name: {
                    "question": QUESTIONS[name],
                    "value": self.findings[name].value,
                    "low": self.findings[name].low,
                    "high": self.findings[name].high,
                    "expected": self.findings[name].expected,
                    "p_value": self.findings[name].p_value,
                    "p_adjusted": p,
                    "found": p <= self.level,
                }
                for name, p in self.adjusted.items()
            },
            "controls": [
                {
                    "name": control.name,
                    "kind": control.kind,
                    "what": control.what,
                    "smallest_p_adjusted": control.smallest_p,
                    "found_by": list(control.found_by),
                    "as_expected": control.as_expected,
                }
                for control in self.controls
            ],
        }


def descriptions_json(
    found: Mapping[str, Description],
    on_copies: Mapping[str, Description],
    on_shrinkage: Mapping[str, Description],
) -> dict[str, Any]:
    """Return the published scores of copying as plain data, with what they read on two controls."""

    def value(of: Mapping[str, Description], name: str) -> float | None:
        return of[name].value if name in of else None

    return {
        name: {
            "question": DESCRIPTIONS[name],
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "expected": one.expected,
            "on_copies": value(on_copies, name),
            "on_shrunken_variety": value(on_shrinkage, name),
        }
        for name, one in found.items()
    }


def compare(
    members: NDArray[np.uint8],
    nonmembers: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    synthetic: NDArray[np.uint8],
    *,
    learnt_from: NDArray[np.uint8],
    symmetries: Symmetries,
    max_shift_px: int,
    shift_shortlist: int,
    seed: int,
    label: str,
    device: str,
) -> Comparison:
    """Find all nearest pairs of one class.

    Args:
        members: Patches the generator learnt from, drawn at random, uint8 (n, S, S, 3).
        nonmembers: As many of the same slides that it did not see.
        reference: As many more.
        synthetic: Synthetic patches, uint8 (Q, S, S, 3).
        learnt_from: All patches the generator learnt from, uint8 (N, S, S, 3).
        symmetries: Positions in which patches are correlated.
        max_shift_px: Translations through which they are correlated.
        shift_shortlist: Partners compared through all translations.
        seed: Seed of the halving of the reference.
        label: The class, part of the purpose of the draw.
        device: Torch device of the comparison.

    Returns:
        The comparison.
    """
    shuffled = numpy_generator(seed, "privacy", "reference halves", label).permutation(len(reference))
    first, second = np.array_split(shuffled, 2)
    halves = (reference[first], reference[second])
    projection = fit_projection(reference[shuffled])
    pool = Pool(members, nonmembers, projection, symmetries, max_shift_px, shift_shortlist, device)
    seen_halves = (pool.see(halves[0]), pool.see(halves[1]))
    return Comparison(synthetic, pool, learnt_from, pool.see(synthetic), halves, seen_halves)


def _above_threshold(synthetic: Seen, reference: Seen, confidence: float) -> dict[str, Finding]:
    """Count synthetic patches that come closer than 999 in 1,000 fresh originals do, to either side."""
    seen, fresh = synthetic.matches["ncc"], reference.matches["ncc"]
    found = {}
    for side, distance, usual in (
        ("members", seen.to_member, fresh.to_member),
        ("nonmembers", seen.to_nonmember, fresh.to_nonmember),
    ):
        share = float((distance < np.quantile(usual, 0.001)).mean())
        low, high = wilson_interval(share, len(distance), confidence)
        found[f"above_q999_{side}"] = Finding(share, low, high, 0.001, 1.0)
    return found


def known_sets(comparison: Comparison, *, copy_share: float, seed: int, label: str) -> Known:
    """Make the controls' sets for a comparison (see `plant`)."""
    return plant(
        comparison.pool,
        comparison.learnt_from,
        comparison.seen,
        comparison.reference,
        comparison.reference_seen,
        copy_share=copy_share,
        rng=numpy_generator(seed, "privacy", "controls", label),
    )


def audit(
    comparison: Comparison,
    known: Known,
    *,
    level: float,
    confidence: float,
    n_permutations: int,
    seed: int,
    label: str,
) -> LabelAudit:
    """Test one class, run its controls, and come to a verdict.

    Args:
        comparison: All nearest pairs.
        known: The controls' sets.
        level: Chance of a false alarm over all tests of the class.
        confidence: Coverage of the intervals.
        n_permutations: Random labellings of the counting tests.
        seed: Seed of every draw.
        label: The class.

    Returns:
        The audit.
    """
    fresh, evidence = comparison.fresh, comparison.evidence
    findings = run_attacks(
        evidence,
        confidence=confidence,
        n_permutations=n_permutations,
        rng=numpy_generator(seed, "privacy", "labellings", label),
    )
    adjusted = holm({name: finding.p_value for name, finding in findings.items()})
    controls = run_controls(
        comparison.pool,
        comparison.seen,
        known,
        level=level,
        confidence=confidence,
        n_permutations=n_permutations,
        seed=seed,
        label=label,
    )
    verdict, found = decide(adjusted, level, controls)
    n, n_synthetic = len(comparison.pool.members), len(comparison.synthetic)
    text = explain(
        verdict,
        found,
        findings,
        controls,
        label=label,
        n_synthetic=n_synthetic,
        n_members=n,
        n_learnt_from=len(comparison.learnt_from),
        symmetries=comparison.pool.symmetries,
        max_shift_px=comparison.pool.max_shift_px,
    )
    return LabelAudit(
        verdict,
        text,
        {"train": n, "nonmember": n, "reference": n, "synthetic": n_synthetic},
        findings,
        adjusted,
        level,
        controls,
        _above_threshold(comparison.seen, fresh, confidence),
    )
