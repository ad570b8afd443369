"""Numbers as text for a reader."""

import math
from dataclasses import dataclass

_UNDEFINED = "undefined"
#: In a cell without a value.
NO_VALUE = "–"
_TOO_FEW = "interval too wide"
#: Width above which the interval of a share excludes nearly nothing, and is not written.
WIDEST = 0.95
# Rounding error of a zero.
_ZERO = 1e-12


@dataclass(frozen=True)
class Estimate:
    """Mean of a metric over runs, with its confidence interval.

    Attributes:
        mean: Mean over the runs in which the metric is defined; None when it is defined in none.
        low: Lower end of the confidence interval; None when there is no interval.
        high: Upper end.
        defined: Number of runs in which the metric is defined.
        runs: Number of runs.
    """

    mean: float | None
    low: float | None
    high: float | None
    defined: int
    runs: int

    @property
    def ends(self) -> tuple[float, float] | None:
        """Both ends of the interval, or None."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def number(value: float | None, places: int = 3) -> str:
    """Write a number with fixed decimals; None and NaN become ``undefined``."""
    return _UNDEFINED if value is None or math.isnan(value) else f"{value:.{places}f}"


def signed(value: float, places: int = 3) -> str:
    """Write a number with its sign and a true minus."""
    return f"{value:+.{places}f}".replace("-", "−")


def typeset(text: str) -> str:
    """Write a sentence of the terminal, one without hyphens, with the signs of the page."""
    return text.replace("-", "−").replace(" %", "%")


def ends(low: float | None, high: float | None, places: int = 3) -> str:
    """Write an interval of a share, unless it excludes nearly nothing; without one, an empty text."""
    if low is None or high is None:
        return ""
    return _TOO_FEW if high - low > WIDEST else f"{number(low, places)} to {number(high, places)}"


def interval(estimate: Estimate, places: int = 3) -> str:
    """Write the interval of an estimate, and in how many runs it is defined if not in all.

    Returns:
        ``0.80 to 0.90`` as by `ends`, ``no interval``, or an empty text where there is no mean.
    """
    if estimate.mean is None:
        return ""
    partly = ""
    if estimate.defined != estimate.runs:
        partly = f", defined in {estimate.defined} of {estimate.runs} runs"
    if estimate.ends is None:
        return f"no interval{partly}"
    return ends(*estimate.ends, places) + partly


def significant(value: float | None) -> str:
    """Write a number with four significant digits, integers in full; None becomes ``undefined``."""
    if value is None:
        return _UNDEFINED
    if isinstance(value, int):
        return f"{value:,}"
    return "0" if abs(value) < _ZERO else f"{value:.4g}".replace("-", "−")


def p_value(value: float | None) -> str:
    """Write a p-value; None becomes an empty cell."""
    if value is None:
        return NO_VALUE
    return "below 0.001" if value < 0.001 else f"{value:.3f}"
