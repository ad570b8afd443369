"""The curves in sentences."""

import math

from pathgen.studies.scaling.equivalence import Equivalence, Saturation
from pathgen.studies.scaling.points import Curve

_WORDS = {"original": "original patches"}


def coverage_sentence() -> str:
    """Say what the intervals cover, and what they leave out."""
    return (
        "The intervals cover another training of the classifier and, on the original curve, which of the "
        "training patches were taken; not which synthetic patches were drawn (all seeds have the same), "
        "nor another training of the generator, nor other test slides."
    )


def source_words(source: str) -> str:
    """Return how a source is called in a sentence."""
    return _WORDS.get(source, f"patches of {source}")


def rounded(value: float) -> str:
    """Write a number of patches with two digits that mean something."""
    if math.isinf(value):
        return "any number"
    if value < 1:
        return "less than 1"
    digits = max(0, math.floor(math.log10(value)) - 1)
    return f"{round(value / 10**digits) * 10**digits:,}"


def equal_sentence(curve: Curve, classifier: str, equal: Equivalence, confidence: float) -> str:
    """Say how many synthetic patches per class equal some original ones."""
    whose, level = source_words(curve.source), f"{confidence:.0%} interval"
    subject = f"{equal.originals:,.0f} original patches per class ({classifier}, error {equal.error:.3f})"
    if equal.reached:
        if equal.synthetic > equal.smallest:
            number, fitted = f"{rounded(equal.synthetic)} {whose} per class", ""
        else:
            number = f"at most {equal.smallest:,.0f} {whose} per class"
            fitted = ", the smallest size fitted"
        return f"{subject} are equalled by {number}{fitted} ({level}: {_ends(equal)})."
    subject += f" are not equalled by {max(curve.sizes):,.0f} {whose} per class, the most that were run"
    if math.isinf(equal.low):
        return f"{subject}; by the fitted curve no number would be enough, and the {level} holds none either."
    if math.isinf(equal.synthetic):
        return f"{subject}; by the fitted curve no number would be enough ({level}: {_upwards(equal)})."
    return (
        f"{subject}; the fitted curve, drawn on beyond them, says {rounded(equal.synthetic)} "
        f"({level}: {_upwards(equal)})."
    )


def _ends(equal: Equivalence) -> str:
    if equal.high <= equal.smallest:
        return f"at most {equal.smallest:,.0f}"
    if math.isinf(equal.high):
        return _upwards(equal)
    low = f"{equal.smallest:,.0f} or fewer" if equal.low <= equal.smallest else rounded(equal.low)
    return f"{low} to {rounded(equal.high)}"


def _upwards(equal: Equivalence) -> str:
    if equal.low <= equal.smallest:
        return f"{equal.smallest:,.0f} or fewer, and upwards"
    return f"at least {rounded(equal.low)}"


def saturation_sentence(curve: Curve, classifier: str, found: Saturation | str) -> str:
    """Say whether more patches would help."""
    subject = f"{source_words(curve.source)}, {classifier}"
    subject = subject[0].upper() + subject[1:]
    if isinstance(found, str):
        return f"{subject}: whether the curve has flattened is not known: {found}."
    sizes = " to ".join(f"{size:,.0f}" for size in (found.sizes[0], found.sizes[-1]))
    gain = (
        f"a doubling over the last three sizes ({sizes} per class) takes {found.gain:.4f} off the error "
        f"(interval {found.low:.4f} to {found.high:.4f})"
    )
    verdict = {
        "falling": "the curve still falls: more patches would help",
        "rising": "more patches make it worse",
        "saturated": f"the curve has flattened: no gain or loss above {found.worth:.4f}, a tenth of the "
        "error, is in the interval",
        "undecided": f"whether it still falls or has flattened cannot be told: these seeds show "
        f"differences of {found.detectable:.4f} and more, and more seeds would tell",
    }[found.verdict]
    return f"{subject}: {verdict}; {gain}."


def largest_sentence(curve: Curve, original: Curve, classifier: str) -> str:
    """Say what the largest sizes that were run gave, without a law."""
    size, all_size = max(curve.sizes), max(original.sizes)
    mean, other = float(curve.errors[size].mean()), float(original.errors[all_size].mean())
    return (
        f"With {classifier} the largest size of {source_words(curve.source)} ({size:,.0f} per class) has a "
        f"mean error of {mean:.3f}; {all_size:,.0f} original patches per class have {other:.3f}."
    )
