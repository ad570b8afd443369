"""Conclusions of the study as sentences."""

import math

from pathgen.studies.scaling.curves import Curve
from pathgen.studies.scaling.equivalence import Equivalence, Saturation
from pathgen.studies.scaling.settings import ORIGINAL

#: What the intervals of the study cover.
COVERAGE = (
    "The intervals cover the training of the classifier and, on the original curve, the choice of training "
    "patches. They do not cover the choice of synthetic patches (the same for all seeds), another training "
    "of the generator, or other test slides."
)


def source_name(source: str) -> str:
    """Return the name of a source within a sentence."""
    return "original patches" if source == ORIGINAL else f"patches of {source}"


def rounded(value: float) -> str:
    """Write a number of patches with two significant digits."""
    if math.isinf(value):
        return "no number"
    if value < 1:
        return "less than 1"
    digits = max(0, math.floor(math.log10(value)) - 1)
    return f"{round(value / 10**digits) * 10**digits:,}"


def equal_sentence(curve: Curve, classifier: str, equal: Equivalence, confidence: float) -> str:
    """State how many synthetic patches per class equal a number of original ones.

    Args:
        curve: Curve of the synthetic patches.
        classifier: Name of the classifier.
        equal: The equal sizes.
        confidence: Confidence level of the interval.
    """
    name, level = source_name(curve.source), f"{confidence:.0%} CI"
    subject = f"{equal.originals:,.0f} original patches per class ({classifier}, error {equal.error:.3f})"
    if equal.reached:
        if equal.synthetic > equal.smallest:
            number = f"{rounded(equal.synthetic)} {name} per class"
        else:
            number = f"at most {equal.smallest:,.0f} {name} per class, the smallest fitted size"
        return f"{subject} are equalled by {number} ({level}: {_interval(equal)})."
    subject += f" are not equalled by {max(curve.sizes):,.0f} {name} per class, the largest size that was run"
    if math.isinf(equal.low):
        return f"{subject}. By the fitted curve no number would suffice, and the {level} contains none."
    if math.isinf(equal.synthetic):
        return f"{subject}. By the fitted curve no number would suffice ({level}: {_lower_bound(equal)})."
    return (
        f"{subject}. The extrapolated curve reaches this error at {rounded(equal.synthetic)} "
        f"({level}: {_lower_bound(equal)})."
    )


def _interval(equal: Equivalence) -> str:
    if equal.high <= equal.smallest:
        return f"at most {equal.smallest:,.0f}"
    if math.isinf(equal.high):
        return _lower_bound(equal)
    low = f"at most {equal.smallest:,.0f}" if equal.low <= equal.smallest else rounded(equal.low)
    return f"{low} to {rounded(equal.high)}"


def _lower_bound(equal: Equivalence) -> str:
    return "any number" if equal.low <= equal.smallest else f"at least {rounded(equal.low)}"


def saturation_sentence(curve: Curve, classifier: str, found: Saturation | str) -> str:
    """State whether more patches would reduce the error.

    Args:
        curve: The curve.
        classifier: Name of the classifier.
        found: Result of the test, or why there is none.
    """
    subject = f"{source_name(curve.source)}, {classifier}"
    subject = subject[0].upper() + subject[1:]
    if isinstance(found, str):
        return f"{subject}: no test of the trend at the largest sizes ({found})."
    sizes = " to ".join(f"{size:,.0f}" for size in (found.sizes[0], found.sizes[-1]))
    gain = (
        f"doubling the number of patches reduces the error by {found.gain:.4f} ({found.low:.4f} to "
        f"{found.high:.4f}) over the last three sizes ({sizes} per class)"
    )
    verdict = {
        "falling": "the error still falls, so that more patches would help",
        "rising": "the error rises with more patches",
        "saturated": f"the curve is saturated, because the interval excludes changes above {found.worth:.4f} "
        "(a tenth of the error)",
        "undecided": f"inconclusive, because differences below {found.detectable:.4f} are not detectable "
        "with this number of seeds",
    }[found.verdict]
    return f"{subject}: {verdict}; {gain}."


def largest_sentence(curve: Curve, original: Curve, classifier: str) -> str:
    """Compare the errors at the largest sizes that were run.

    Args:
        curve: Curve of the synthetic patches.
        original: Curve of the original patches.
        classifier: Name of the classifier.
    """
    size, original_size = max(curve.sizes), max(original.sizes)
    mean, original_mean = float(curve.errors[size].mean()), float(original.errors[original_size].mean())
    return (
        f"The mean error of {classifier} is {mean:.3f} with {size:,.0f} {source_name(curve.source)} per "
        f"class, and {original_mean:.3f} with {original_size:,.0f} original patches per class."
    )
