"""The audit of one class: who is nearest to whom, the tests on it, the controls, the verdict."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.metrics.several import holm
from pathgen.privacy.attacks import QUESTIONS, Finding, run_attacks
from pathgen.privacy.controls import Control, run_controls
from pathgen.privacy.evidence import closeness_threshold, correlation_measure, gather
from pathgen.privacy.intervals import wilson_interval
from pathgen.privacy.matches import Matches, MatchesBy, Pool, both
from pathgen.privacy.neighbours import Measure
from pathgen.privacy.verdict import Verdict, decide, explain
from pathgen.seeding import numpy_generator


@dataclass(frozen=True)
class Comparison:
    """All nearest pairs of one class.

    Attributes:
        synthetic: The synthetic patches looked at, uint8 (Q, S, S, 3).
        pool: The members and non-members, n of each.
        learnt_from: All patches the generator learnt from, uint8 (N, S, S, 3); the members are among them.
        matches: Matches of the synthetic patches.
        reference: The reference patches, n, in two random halves.
        reference_matches: The matches of each half.
    """

    synthetic: NDArray[np.uint8]
    pool: Pool
    learnt_from: NDArray[np.uint8]
    matches: MatchesBy
    reference: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    reference_matches: tuple[MatchesBy, MatchesBy]

    @property
    def fresh(self) -> MatchesBy:
        """Matches of all reference patches."""
        return both(*self.reference_matches)

    @property
    def correlated(self) -> Matches:
        """Matches of the synthetic patches under correlation."""
        return self.matches[correlation_measure(self.matches)]


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


def compare(
    members: NDArray[np.uint8],
    nonmembers: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    synthetic: NDArray[np.uint8],
    *,
    learnt_from: NDArray[np.uint8],
    symmetries: Literal["identity", "square"],
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
        seed: Seed of the halving of the reference.
        label: The class, part of the purpose of the draw.
        device: Torch device of the comparison.

    Returns:
        The comparison.
    """
    measures: tuple[Measure, Measure] = ("l2", "ncc-square" if symmetries == "square" else "ncc")
    pool = Pool(members, nonmembers, measures, device)
    shuffled = numpy_generator(seed, "privacy", "reference halves", label).permutation(len(reference))
    first, second = np.array_split(shuffled, 2)
    halves = (reference[first], reference[second])
    return Comparison(
        synthetic,
        pool,
        learnt_from,
        pool.match(synthetic),
        halves,
        (pool.match(halves[0]), pool.match(halves[1])),
    )


def _above_threshold(synthetic: MatchesBy, reference: MatchesBy, confidence: float) -> dict[str, Finding]:
    """Count synthetic patches that come closer than 999 in 1,000 fresh originals do, to either side."""
    measure = correlation_measure(synthetic)
    seen, fresh = synthetic[measure], reference[measure]
    found = {}
    for side, distance, usual in (
        ("members", seen.to_member, fresh.to_member),
        ("nonmembers", seen.to_nonmember, fresh.to_nonmember),
    ):
        share = float((distance < np.quantile(usual, 0.001)).mean())
        low, high = wilson_interval(share, len(distance), confidence)
        found[f"above_q999_{side}"] = Finding(share, low, high, 0.001, 1.0)
    return found


def audit(
    comparison: Comparison,
    *,
    level: float,
    confidence: float,
    copy_share: float,
    n_permutations: int,
    seed: int,
    label: str,
) -> LabelAudit:
    """Test one class, run its controls, and come to a verdict.

    Args:
        comparison: All nearest pairs.
        level: Chance of a false alarm over all tests of the class.
        confidence: Coverage of the intervals.
        copy_share: Share of planted copies that the controls must find.
        n_permutations: Random labellings of the counting tests.
        seed: Seed of every draw.
        label: The class.

    Returns:
        The audit.
    """
    fresh = comparison.fresh
    findings = run_attacks(
        gather(comparison.matches, fresh, closeness_threshold(fresh)),
        confidence=confidence,
        n_permutations=n_permutations,
        rng=numpy_generator(seed, "privacy", "labellings", label),
    )
    adjusted = holm({name: finding.p_value for name, finding in findings.items()})
    controls = run_controls(
        comparison.pool,
        comparison.learnt_from,
        comparison.matches,
        comparison.reference,
        comparison.reference_matches,
        copy_share=copy_share,
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
        symmetries="square" if "ncc-square" in comparison.pool.measures else "identity",
    )
    patches = {"train": n, "nonmember": n, "reference": n, "synthetic": n_synthetic}
    above = _above_threshold(comparison.matches, fresh, confidence)
    return LabelAudit(verdict, text, patches, findings, adjusted, level, controls, above)
