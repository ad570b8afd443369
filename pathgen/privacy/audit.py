"""The privacy audit of one synthetic set: tests, controls, verdict and pictures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import numpy_generator
from pathgen.privacy.attack_features import closeness_threshold
from pathgen.privacy.attacks import Finding, discriminator_attack
from pathgen.privacy.class_audit import Comparison, LabelAudit, audit, compare, known_sets
from pathgen.privacy.figures import closest_pairs, correlation_histogram, drawn
from pathgen.privacy.memorisation_scores import Description
from pathgen.privacy.shift_ncc import Symmetries
from pathgen.privacy.slide_breakdown import Origins, most_exposed, risks, slide_findings
from pathgen.privacy.supplementary import published_scores, shadow_findings
from pathgen.privacy.verdict import NO_PROOF, Verdict

Images = Mapping[str, NDArray[np.uint8]]
"""RGB patches of shape (N, S, S, 3) by label."""

Discriminator = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
"""Takes RGB patches of shape (N, S, S, 3), gives scores of shape (N,), higher for "original"."""

_FEWEST = 20
_SMALLEST_PX = 16
_SEVERITY: tuple[Verdict, ...] = ("no leakage found by these tests", "leakage found", "refused")


@dataclass(frozen=True)
class PrivacyReport:
    """Privacy audit of one synthetic set.

    Attributes:
        verdict: The worst of the classes' verdicts.
        metrics: ``privacy/{label}/{test}`` and, below it, ``/low``, ``/high``, ``/expected`` and, for
            tests, ``/p_value`` and ``/p_adjusted``. What could not be measured has no key.
        labels: The audit of each class.
        details: Label to what is told beside the verdict, as plain data: ``descriptions``, and where origins
            are known ``most_exposed``, ``per_slide`` and ``per_patient``.
        pictures: ``gallery-{label}`` and ``correlation-{label}``, uint8 (H, W, 3). The galleries show
            original patches.
        plots: Those of the pictures that are plots, to be kept as lines.
    """

    verdict: Verdict
    metrics: dict[str, float]
    labels: dict[str, LabelAudit]
    details: dict[str, dict[str, Any]]
    pictures: dict[str, NDArray[np.uint8]]
    plots: dict[str, Figure]

    def as_json(self) -> dict[str, Any]:
        """Return plain data for `pathgen.core.files.write_json`; without the pictures."""
        return {
            "verdict": self.verdict,
            "caveat": NO_PROOF,
            "metrics": self.metrics,
            "labels": {label: done.as_json() | self.details[label] for label, done in self.labels.items()},
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
    side = shapes["synthetic"][1]
    if side < _SMALLEST_PX:
        raise PathgenError(
            f"patches of class {label}",
            f"{side} px are too small for features of texture",
            f"Extract at least {_SMALLEST_PX} px (extract.size_px)",
        )


def _rows(n: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(rng.choice(n, size=count, replace=False))


def _values(label: str, findings: Mapping[str, Finding | Description]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, finding in findings.items():
        key = f"privacy/{label}/{name}"
        parts = {"": finding.value, "/low": finding.low, "/high": finding.high, "/expected": finding.expected}
        metrics |= {f"{key}{part}": value for part, value in parts.items() if value is not None}
    return metrics


def _p_values(label: str, findings: Mapping[str, Finding]) -> dict[str, float]:
    return {f"privacy/{label}/{name}/p_value": finding.p_value for name, finding in findings.items()}


def _plot(comparison: Comparison) -> Figure:
    correlated, threshold = comparison.seen.matches["ncc"], closeness_threshold(comparison.fresh)
    return correlation_histogram(correlated, threshold)


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
    symmetries: Symmetries,
    max_shift_px: int,
    shift_shortlist: int,
    copy_share: float,
    n_permutations: int,
    shadow_steps: int,
    gallery_pairs: int,
    exposed_patches: int,
    origins: Origins | None = None,
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
        max_shift_px: Translations through which they are correlated, along either axis.
        shift_shortlist: Partners compared through all translations.
        copy_share: Share of planted copies that the controls must find.
        n_permutations: Random labellings of the counting tests.
        shadow_steps: Steps of the shadow discriminator; 0 leaves it out.
        gallery_pairs: Closest pairs shown per class.
        exposed_patches: Most exposed training patches listed per class.
        origins: Where the patches are from; None leaves out what needs to know.
        device: Torch device of the comparison.

    Returns:
        The report.

    Raises:
        PathgenError: A population has too few patches, or the sizes in pixels differ or are too small.
    """
    labels = list(synthetic)
    populations = {"train": members, "nonmember": nonmembers, "reference": reference, "synthetic": synthetic}
    for label in labels:
        _check(populations, label)
    originals = {"train": members, "nonmember": nonmembers, "reference": reference}
    metrics: dict[str, float] = {}
    audits: dict[str, LabelAudit] = {}
    details: dict[str, dict[str, Any]] = {}
    pictures: dict[str, NDArray[np.uint8]] = {}
    plots: dict[str, Figure] = {}
    for label in labels:
        n = min(max_originals, *(len(images[label]) for images in originals.values()))
        sizes = dict.fromkeys(originals, n) | {"synthetic": min(max_synthetic, len(synthetic[label]))}
        rows = {
            role: _rows(
                len(images[label]), sizes[role], numpy_generator(seed, "privacy", "draw", role, label)
            )
            for role, images in populations.items()
        }
        looked_at = {role: np.asarray(images[label][rows[role]]) for role, images in populations.items()}
        comparison = compare(
            looked_at["train"],
            looked_at["nonmember"],
            looked_at["reference"],
            looked_at["synthetic"],
            learnt_from=members[label],
            symmetries=symmetries,
            max_shift_px=max_shift_px,
            shift_shortlist=shift_shortlist,
            seed=seed,
            label=label,
            device=device,
        )
        done = audit(
            comparison,
            known_sets(comparison, copy_share=copy_share, seed=seed, label=label),
            level=significance / len(labels),
            confidence=confidence,
            n_permutations=n_permutations,
            seed=seed,
            label=label,
        )
        described, as_json = published_scores(label, comparison, confidence=confidence, seed=seed)
        details[label] = {"descriptions": as_json}
        beside: dict[str, Finding] = {}
        if label in discriminators:
            scores = [discriminators[label](looked_at[role]) for role in ("train", "nonmember")]
            beside |= discriminator_attack("discriminator", *scores, confidence=confidence)
        if shadow_steps:
            beside |= shadow_findings(label, comparison, steps=shadow_steps, confidence=confidence, seed=seed)
        if origins is not None:
            of_members = origins.members[label].iloc[rows["train"]]
            of_nonmembers = origins.nonmembers[label].iloc[rows["nonmember"]]
            details[label] |= risks(comparison, of_members, of_nonmembers, confidence=confidence)
            details[label]["most_exposed"] = most_exposed(
                comparison, of_members, rows["synthetic"], exposed_patches
            )
            if label in origins.unseen:
                beside |= slide_findings(
                    comparison,
                    of_members,
                    origins.unseen[label],
                    confidence=confidence,
                    n_permutations=n_permutations,
                    rng=numpy_generator(seed, "privacy", "unseen slides", label),
                )
        audits[label] = done
        metrics |= _values(label, done.findings | beside | done.above) | _values(label, described)
        metrics |= _p_values(label, done.findings | beside)
        metrics |= {f"privacy/{label}/{name}/p_adjusted": p for name, p in done.adjusted.items()}
        plots[f"correlation-{label}"] = _plot(comparison)
        pictures[f"gallery-{label}"] = closest_pairs(
            comparison.synthetic, comparison.pool, comparison.seen.matches["ncc"], gallery_pairs
        )
        pictures[f"correlation-{label}"] = drawn(plots[f"correlation-{label}"])
    worst = max((done.verdict for done in audits.values()), key=_SEVERITY.index)
    return PrivacyReport(worst, metrics, audits, details, pictures, plots)
