"""The privacy audit of one synthetic set: tests, controls, verdict and pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.errors import PathgenError
from pathgen.privacy.attacks import QUESTIONS, Finding, discriminator_attack, run_attacks
from pathgen.privacy.controls import Control, run_controls
from pathgen.privacy.evidence import closeness_threshold, correlation_measure, gather
from pathgen.privacy.gallery import closest_pairs, correlation_histogram, drawn
from pathgen.privacy.intervals import holm, wilson_interval
from pathgen.privacy.matches import MatchesBy, Pool, both
from pathgen.privacy.neighbours import Measure
from pathgen.privacy.verdict import Verdict, decide, explain
from pathgen.seeding import numpy_generator

Images = Mapping[str, NDArray[np.uint8]]
"""RGB patches of shape (N, S, S, 3) by label."""

Discriminator = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Takes RGB patches of shape (N, S, S, 3), gives scores of shape (N,), higher for "original"."""

_FEWEST = 20
_SEVERITY: tuple[Verdict, ...] = ("no leakage found by these tests", "leakage found", "refused")


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
    """

    verdict: Verdict
    text: str
    patches: dict[str, int]
    findings: dict[str, Finding]
    adjusted: dict[str, float]
    level: float
    controls: tuple[Control, ...]

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


@dataclass(frozen=True)
class PrivacyReport:
    """Privacy audit of one synthetic set.

    Attributes:
        verdict: The worst of the classes' verdicts.
        metrics: ``privacy/{label}/{test}`` and, below it, ``/low``, ``/high``, ``/expected`` and, for
            tests, ``/p_value`` and ``/p_adjusted``. What could not be measured has no key.
        labels: The audit of each class.
        pictures: ``gallery-{label}`` and ``correlation-{label}``, uint8 (H, W, 3). The galleries show
            original patches.
    """

    verdict: Verdict
    metrics: dict[str, float]
    labels: dict[str, LabelAudit]
    pictures: dict[str, NDArray[np.uint8]]

    def as_json(self) -> dict[str, Any]:
        """Return plain data for `pathgen.files.write_json`; without the pictures."""
        return {
            "verdict": self.verdict,
            "metrics": self.metrics,
            "labels": {label: audit.as_json() for label, audit in self.labels.items()},
        }


def _check(populations: Mapping[str, Images], label: str) -> None:
    shapes = {role: images[label].shape for role, images in populations.items()}
    for role, shape in shapes.items():
        if shape[0] < _FEWEST:
            raise PathgenError(
                f"{role} patches of class {label}",
                f"{shape[0]} are too few for any test",
                f"Draw at least {_FEWEST}, better some hundreds (section sample)",
            )
    if len({shape[1:] for shape in shapes.values()}) != 1:
        sizes = ", ".join(f"{role} {shape[1:]}" for role, shape in shapes.items())
        raise PathgenError(f"patches of class {label}", f"differ in size: {sizes}", "Make all of one size")


def _drawn_rows(images: NDArray[np.uint8], count: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.asarray(images[np.sort(rng.choice(len(images), size=count, replace=False))])


def _above_threshold(synthetic: MatchesBy, reference: MatchesBy, confidence: float) -> dict[str, Finding]:
    """Count synthetic patches that come closer than 999 in 1,000 fresh originals do, to either side.

    A smooth or repetitive generator exceeds .001 on BOTH sides without copying: only the gap tells.
    """
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


def _metrics(label: str, findings: Mapping[str, Finding]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, finding in findings.items():
        key = f"privacy/{label}/{name}"
        parts = {"": finding.value, "/low": finding.low, "/high": finding.high, "/expected": finding.expected}
        metrics |= {f"{key}{part}": value for part, value in parts.items() if value is not None}
    return metrics


def measure_privacy(
    members: Images,
    nonmembers: Images,
    reference: Images,
    synthetic: Images,
    *,
    discriminators: Mapping[str, Discriminator],
    seed: int,
    confidence: float,
    significance: float,
    max_originals: int,
    max_synthetic: int,
    symmetries: Literal["identity", "square"],
    copy_share: float,
    n_permutations: int,
    gallery_pairs: int,
    device: str = "cpu",
) -> PrivacyReport:
    """Audit what a synthetic set gives away about the patches its generators learnt from.

    Members, non-members and reference patches must come from the same slides by the same draw: patches of
    other slides make a perfect generator look guilty (the control ``fresh originals`` notices). All three
    are cut to the size of the smallest. The chance that an honest generator is found leaking in any class
    by any test is at most `significance` (Holm over the tests, Bonferroni over the classes); the chance
    that a negative control refuses an honest verdict is at most the same again.

    Args:
        members: Patches the generators learnt from, uint8 (N, S, S, 3) by label.
        nonmembers: Patches of the same slides that they did not see.
        reference: More such patches, disjoint from both.
        synthetic: The synthetic patches; its labels are the ones audited.
        discriminators: The generators' discriminators by label; may be empty. See `discriminator_attack`.
        seed: Seed of every draw.
        confidence: Coverage of the intervals, in (0, 1).
        significance: Chance of a false alarm over all tests and classes.
        max_originals: Members, non-members and reference patches per class, each at most.
        max_synthetic: Synthetic patches per class at most.
        symmetries: Positions in which patches are correlated.
        copy_share: Share of planted copies that the controls must find.
        n_permutations: Random labellings of the counting tests.
        gallery_pairs: Closest pairs shown per class.
        device: Torch device of the comparison.

    Returns:
        The report.

    Raises:
        PathgenError: A population has too few patches, or the sizes in pixels differ.
    """
    labels = list(synthetic)
    populations = {"train": members, "nonmember": nonmembers, "reference": reference, "synthetic": synthetic}
    for label in labels:
        _check(populations, label)
    measures: tuple[Measure, Measure] = ("l2", "ncc-square" if symmetries == "square" else "ncc")
    level = significance / len(labels)
    metrics: dict[str, float] = {}
    audits: dict[str, LabelAudit] = {}
    pictures: dict[str, NDArray[np.uint8]] = {}
    for label in labels:
        originals = {"train": members, "nonmember": nonmembers, "reference": reference}
        n = min(max_originals, *(len(images[label]) for images in originals.values()))
        rows = {
            role: _drawn_rows(images[label], n, numpy_generator(seed, "privacy", "draw", role, label))
            for role, images in originals.items()
        }
        n_synthetic = min(max_synthetic, len(synthetic[label]))
        looked_at = _drawn_rows(
            synthetic[label], n_synthetic, numpy_generator(seed, "privacy", "draw", "synthetic", label)
        )
        pool = Pool(rows["train"], rows["nonmember"], measures, device)
        matches = pool.match(looked_at)
        shuffled = numpy_generator(seed, "privacy", "reference halves", label).permutation(n)
        halves = (rows["reference"][shuffled[: n // 2]], rows["reference"][shuffled[n // 2 :]])
        half_matches = (pool.match(halves[0]), pool.match(halves[1]))
        fresh = both(*half_matches)
        threshold = closeness_threshold(fresh)
        findings = run_attacks(
            gather(matches, fresh, threshold),
            confidence=confidence,
            n_permutations=n_permutations,
            rng=numpy_generator(seed, "privacy", "labellings", label),
        )
        adjusted = holm({name: finding.p_value for name, finding in findings.items()})
        controls = run_controls(
            pool,
            matches,
            halves,
            half_matches,
            copy_share=copy_share,
            level=level,
            confidence=confidence,
            n_permutations=n_permutations,
            seed=seed,
            label=label,
        )
        verdict, found = decide(adjusted, level, controls)
        text = explain(
            verdict,
            found,
            findings,
            controls,
            label=label,
            n_synthetic=n_synthetic,
            n_originals=n,
            turned_too=symmetries,
        )
        patches = {"train": n, "nonmember": n, "reference": n, "synthetic": n_synthetic}
        audits[label] = LabelAudit(verdict, text, patches, findings, adjusted, level, controls)
        metrics |= _metrics(label, findings)
        for name, p in adjusted.items():
            metrics[f"privacy/{label}/{name}/p_value"] = findings[name].p_value
            metrics[f"privacy/{label}/{name}/p_adjusted"] = p
        metrics |= _metrics(label, _above_threshold(matches, fresh, confidence))
        if label in discriminators:
            score = discriminators[label]
            attack = discriminator_attack(score(pool.members), score(pool.nonmembers), confidence=confidence)
            metrics |= _metrics(label, attack)
            metrics |= {f"privacy/{label}/{name}/p_value": f.p_value for name, f in attack.items()}
        correlated = matches[correlation_measure(matches)]
        pictures[f"gallery-{label}"] = closest_pairs(looked_at, pool, correlated, gallery_pairs)
        pictures[f"correlation-{label}"] = drawn(correlation_histogram(correlated, threshold, label))
    worst = max((audit.verdict for audit in audits.values()), key=_SEVERITY.index)
    return PrivacyReport(worst, metrics, audits, pictures)
