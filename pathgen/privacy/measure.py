"""The privacy audit of one synthetic set: tests, controls, verdict and pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.errors import PathgenError
from pathgen.privacy.attacks import Finding, discriminator_attack
from pathgen.privacy.audit import Comparison, LabelAudit, audit, compare
from pathgen.privacy.evidence import closeness_threshold
from pathgen.privacy.gallery import closest_pairs, correlation_histogram, drawn
from pathgen.privacy.matches import Pool
from pathgen.privacy.verdict import Verdict
from pathgen.seeding import numpy_generator

Images = Mapping[str, NDArray[np.uint8]]
"""RGB patches of shape (N, S, S, 3) by label."""

Discriminator = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Takes RGB patches of shape (N, S, S, 3), gives scores of shape (N,), higher for "original"."""

_FEWEST = 20
_SEVERITY: tuple[Verdict, ...] = ("no leakage found by these tests", "leakage found", "refused")


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


def _draw(images: NDArray[np.uint8], count: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.asarray(images[np.sort(rng.choice(len(images), size=count, replace=False))])


def _values(label: str, findings: Mapping[str, Finding]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, finding in findings.items():
        key = f"privacy/{label}/{name}"
        parts = {"": finding.value, "/low": finding.low, "/high": finding.high, "/expected": finding.expected}
        metrics |= {f"{key}{part}": value for part, value in parts.items() if value is not None}
    return metrics


def _p_values(label: str, findings: Mapping[str, Finding]) -> dict[str, float]:
    return {f"privacy/{label}/{name}/p_value": finding.p_value for name, finding in findings.items()}


def _metrics(label: str, done: LabelAudit) -> dict[str, float]:
    adjusted = {f"privacy/{label}/{name}/p_adjusted": p for name, p in done.adjusted.items()}
    return _values(label, done.findings | done.above) | _p_values(label, done.findings) | adjusted


def _discriminator_metrics(
    label: str, discriminator: Discriminator, pool: Pool, confidence: float
) -> dict[str, float]:
    found = discriminator_attack(
        discriminator(pool.members), discriminator(pool.nonmembers), confidence=confidence
    )
    return _values(label, found) | _p_values(label, found)


def _pictures(label: str, comparison: Comparison, pairs: int) -> dict[str, NDArray[np.uint8]]:
    correlated, threshold = comparison.correlated, closeness_threshold(comparison.fresh)
    return {
        f"gallery-{label}": closest_pairs(comparison.synthetic, comparison.pool, correlated, pairs),
        f"correlation-{label}": drawn(correlation_histogram(correlated, threshold, label)),
    }


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
    originals = {"train": members, "nonmember": nonmembers, "reference": reference}
    metrics: dict[str, float] = {}
    audits: dict[str, LabelAudit] = {}
    pictures: dict[str, NDArray[np.uint8]] = {}
    for label in labels:
        n = min(max_originals, *(len(images[label]) for images in originals.values()))
        sizes = dict.fromkeys(originals, n) | {"synthetic": min(max_synthetic, len(synthetic[label]))}
        drawn_rows = {
            role: _draw(images[label], sizes[role], numpy_generator(seed, "privacy", "draw", role, label))
            for role, images in populations.items()
        }
        comparison = compare(
            drawn_rows["train"],
            drawn_rows["nonmember"],
            drawn_rows["reference"],
            drawn_rows["synthetic"],
            learnt_from=members[label],
            symmetries=symmetries,
            seed=seed,
            label=label,
            device=device,
        )
        audits[label] = audit(
            comparison,
            level=significance / len(labels),
            confidence=confidence,
            copy_share=copy_share,
            n_permutations=n_permutations,
            seed=seed,
            label=label,
        )
        metrics |= _metrics(label, audits[label])
        if label in discriminators:
            metrics |= _discriminator_metrics(label, discriminators[label], comparison.pool, confidence)
        pictures |= _pictures(label, comparison, gallery_pairs)
    worst = max((done.verdict for done in audits.values()), key=_SEVERITY.index)
    return PrivacyReport(worst, metrics, audits, pictures)
