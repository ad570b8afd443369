"""Table of a page."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table for the page.

    Attributes:
        caption: Caption.
        head: Column names.
        lines: Cells as text, one list per line.
        counts: Positions of the columns that hold counts.
    """

    caption: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]
    counts: Sequence[int] = ()
