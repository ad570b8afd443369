"""Amounts in words that a person reads at a glance."""

import math

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_THOUSANDS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))
_LARGE = 10


def duration(seconds: float) -> str:
    """Say a time with the precision that an estimate has, e.g. ``3 days 4 hours``."""
    for large, small, large_name, small_name, end in (
        (_MINUTE_S, 1, "minute", "second", _HOUR_S),
        (_HOUR_S, _MINUTE_S, "hour", "minute", _DAY_S),
        (_DAY_S, _HOUR_S, "day", "hour", math.inf),
    ):
        # With ten of the larger unit the smaller one says nothing.
        grain = small if seconds < _LARGE * large else large
        whole, rest = divmod(max(1, round(seconds / grain)) * grain, large)
        if whole * large < end:
            parts = [_counted(whole, large_name)] if whole else []
            parts += [_counted(rest // small, small_name)] if rest else []
            return " ".join(parts)
    raise AssertionError("days have no end")


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"


def size(count: float) -> str:
    """Say a number of bytes in powers of ten, e.g. ``4.2 GB``."""
    for unit, name in _THOUSANDS:
        if count >= unit:
            amount = count / unit
            return f"{amount:.1f} {name}" if amount < 100 else f"{amount:,.0f} {name}"
    return f"{count:.0f} B" if count else "–"


def number(value: float) -> str:
    """Say a count in short, e.g. ``100 k`` or ``28 M``."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if value >= unit:
            amount = value / (1e3 if name == " k" else unit)
            return f"{amount:.1f}{name}" if amount < 100 else f"{amount:,.0f}{name}"
    return f"{value:,.0f}"
