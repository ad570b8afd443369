"""Privacy audit of one synthetic set: tests, controls, verdict and pictures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.metrics.patch_checks import Images, check_patch_sets
from pathgen.metrics.statistics.multiple_testing import holm
from pathgen.privacy.attack import attack_features
from pathgen.privacy.attack_family import QUESTIONS, run_attacks
from pathgen.privacy.audit_figures import closest_pairs, correlation_histogram, rendered
from pathgen.privacy.controls import FEW_COPIES, run_controls
from pathgen.privacy.discriminator_attacks import Discriminator, discriminator_tests, shadow_tests
from pathgen.privacy.group_risk import Origins, group_risks, most_exposed, slide_test
from pathgen.privacy.membership_tests import TestResult, wilson_interval
from pathgen.privacy.memorisation_scores import memorisation_scores
from pathgen.privacy.nearest_pairs import ClassPairs, candidate_pool
from pathgen.privacy.settings import PrivacySettings
from pathgen.results.audit_record import (
    LEAKAGE,
    PASSED,
    REFUSED,
    SEVERITY,
    AttackResult,
    Audit,
    ClassAudit,
    MemorisationScore,
)

_NO_PROOF = (
    "No test on a finite set proves that it is anonymous: another attack may find more. Only a generator "
    "trained with differential privacy, that is, with noise that hides the contribution of every single "
    "patch, bounds what any attack can find."
)
_MIN_PATCHES = 20

_TEMPLATES = Environment(  # noqa: S701, plain text
    loader=PackageLoader("pathgen.privacy", "."), undefined=StrictUndefined
)


@dataclass(frozen=True)
class AuditReport:
    """Privacy audit of one synthetic set.

    Attributes:
        record: Results.
        pictures: ``gallery-{label}`` and ``correlation-{label}``, uint8 (H, W, 3). The galleries show
            original patches.
        plots: Those pictures that are plots, as figures.
    """

    record: Audit
    pictures: Mapping[str, NDArray[np.uint8]]
    plots: Mapping[str, Figure]


def audit(
    members: Images,
    nonmembers: Images,
    reference: Images,
    synthetic: Images,
    settings: PrivacySettings,
    *,
    discriminators: Mapping[str, Discriminator] | None = None,
    origins: Origins | None = None,
    device: str = "cpu",
) -> AuditReport:
    """Measure how much a synthetic set leaks about the training patches of its generators.

    Members, non-members and reference patches must be random samples of the same slides: with patches of
    other slides, a perfect generator appears to leak (which the control ``fresh originals`` detects). All
    three are reduced to the size of the smallest. The probability that any test finds leakage in any class of
    an honest generator is at most ``settings.significance`` (Holm over the tests, Bonferroni over the
    classes); the probability that a negative control refuses an honest verdict is at most the same.

    Args:
        members: Training patches of the generators, uint8 (N, S, S, 3), by label.
        nonmembers: Patches of the same slides that were not used for training.
        reference: Further such patches, disjoint from both.
        synthetic: Synthetic patches; the audit covers its labels.
        settings: Settings of the section ``privacy``.
        discriminators: Discriminators of the generators, by label; see `discriminator_tests`.
        origins: Slides and patients of the patches; without them, risks by group are omitted.
        device: Torch device.

    Returns:
        Results and pictures.

    Raises:
        PathgenError: A set has too few patches, or the patches differ in size or are too small.
    """
    populations = {"train": members, "nonmember": nonmembers, "reference": reference, "synthetic": synthetic}
    labels = list(synthetic)
    hint = "Sample more patches, preferably several hundred (section sample)"
    check_patch_sets(populations, labels, _MIN_PATCHES, hint)
    metrics: dict[str, float] = {}
    audits: dict[str, ClassAudit] = {}
    pictures: dict[str, NDArray[np.uint8]] = {}
    plots: dict[str, Figure] = {}
    for label in labels:
        rows = _sample_rows(populations, label, settings)
        train, unseen, other, drawn = (
            np.asarray(images[label][rows[role]]) for role, images in populations.items()
        )
        pool = candidate_pool(train, unseen, other, settings, device)
        pairs = ClassPairs(label, pool, members[label], drawn, other)
        result = class_audit(pairs, settings.significance / len(labels))
        extra: dict[str, object] = {"descriptions": memorisation_scores(pairs)}
        tests: dict[str, TestResult] = {}
        if discriminators and label in discriminators:
            tests |= discriminator_tests(pairs, discriminators[label])
        if settings.shadow_steps:
            tests |= shadow_tests(pairs)
        if origins is not None:
            of_members = origins.members[label].index.iloc[rows["train"]]
            of_nonmembers = origins.nonmembers[label].index.iloc[rows["nonmember"]]
            extra |= group_risks(pairs, of_members, of_nonmembers)
            extra["most_exposed"] = most_exposed(pairs, of_members, rows["synthetic"])
            if label in origins.unseen:
                tests |= slide_test(pairs, of_members, origins.unseen[label])
        audits[label] = result.model_copy(update=extra)
        metrics |= _metrics(label, audits[label], tests, _shares_above_quantile(pairs))
        plots[f"correlation-{label}"] = correlation_histogram(pairs)
        pictures[f"correlation-{label}"] = rendered(plots[f"correlation-{label}"])
        pictures[f"gallery-{label}"] = closest_pairs(pairs)
    record = Audit(
        verdict=max((done.verdict for done in audits.values()), key=SEVERITY.index),
        caveat=_NO_PROOF,
        metrics=metrics,
        labels=audits,
    )
    return AuditReport(record, pictures, plots)


def class_audit(pairs: ClassPairs, level: float) -> ClassAudit:
    """Test one class, run its controls and reach a verdict.

    Args:
        pairs: Patches of the class and their nearest pairs.
        level: Probability of a false alarm over all tests of the class.

    Returns:
        The audit, without scores and risks that the verdict does not rest on.
    """
    features = attack_features(pairs.profile, pairs.reference_profile, pairs.pool)
    tests = run_attacks(features, pairs.settings, pairs.rng("labellings", pairs.label))
    adjusted = holm({name: test.p_value for name, test in tests.items()})
    controls = run_controls(pairs, level)
    found = [name for name, p in adjusted.items() if p <= level]
    verdict = LEAKAGE if found else PASSED
    if not all(control.as_expected for control in controls):
        verdict = REFUSED
    text = _TEMPLATES.get_template("verdict.txt.j2").render(
        verdict=verdict,
        found=[(QUESTIONS[name], tests[name]) for name in found],
        failed=[control for control in controls if not control.as_expected],
        detected=next(control for control in controls if control.name == FEW_COPIES),
        pairs=pairs,
    )
    n = len(pairs.pool.members)
    return ClassAudit(
        verdict=verdict,
        text=" ".join(text.split()),
        patches={"train": n, "nonmember": n, "reference": n, "synthetic": len(pairs.synthetic)},
        level=level,
        tests={
            name: AttackResult(
                question=QUESTIONS[name],
                **asdict(test),
                p_adjusted=adjusted[name],
                found=name in found,
            )
            for name, test in tests.items()
        },
        controls=controls,
    )


def _sample_rows(
    populations: Mapping[str, Images], label: str, settings: PrivacySettings
) -> dict[str, NDArray[np.int64]]:
    """Sample the same number of rows of each original set, and rows of the synthetic set."""
    counts = {role: len(images[label]) for role, images in populations.items()}
    n = min(settings.max_originals, *(counts[role] for role in ("train", "nonmember", "reference")))
    sizes = dict.fromkeys(counts, n) | {"synthetic": min(settings.max_synthetic, counts["synthetic"])}
    rows = {}
    for role, count in counts.items():
        rng = numpy_generator(settings.seed, "privacy", "draw", role, label)
        rows[role] = np.sort(rng.choice(count, size=sizes[role], replace=False))
    order = numpy_generator(settings.seed, "privacy", "reference halves", label).permutation(n)
    return rows | {"reference": rows["reference"][order]}


def _metrics(
    label: str, result: ClassAudit, tests: Mapping[str, TestResult], shares: Mapping[str, TestResult]
) -> dict[str, float]:
    """Return all values of one class by key, without those that are undefined."""
    with_p: dict[str, AttackResult | TestResult] = {**result.tests, **tests}
    values: dict[str, float | None] = {}
    measured: dict[str, AttackResult | TestResult | MemorisationScore] = {**with_p, **shares}
    for name, one in (measured | dict(result.descriptions)).items():
        parts = {"": one.value, "/low": one.low, "/high": one.high, "/expected": one.expected}
        values |= {f"{name}{part}": value for part, value in parts.items()}
    values |= {f"{name}/p_value": test.p_value for name, test in with_p.items()}
    values |= {f"{name}/p_adjusted": test.p_adjusted for name, test in result.tests.items()}
    return {f"privacy/{label}/{name}": value for name, value in values.items() if value is not None}


def _shares_above_quantile(pairs: ClassPairs) -> dict[str, TestResult]:
    """Compute the share of synthetic patches that are closer to an original than 99.9 % of reference patches.

    A smooth or repetitive generator exceeds 0.1 % for members AND non-members without copying. Only the
    difference between the two indicates copying, so this is not a test.
    """
    shares = {}
    synthetic, reference = pairs.profile.pairs["ncc"].distance, pairs.reference_profile.pairs["ncc"].distance
    for side, distance, usual in zip(("members", "nonmembers"), synthetic, reference, strict=True):
        share = float((distance < np.quantile(usual, 0.001)).mean())
        low, high = wilson_interval(share, len(distance), pairs.settings.confidence)
        shares[f"above_q999_{side}"] = TestResult(share, low, high, 0.001, 1.0)
    return shares
