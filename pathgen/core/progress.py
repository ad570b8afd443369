"""Progress of long work: what, how much, how fast, how long still; in a terminal and in a log file alike."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from tqdm import tqdm

T = TypeVar("T")
_LOG_INTERVAL_S = 10.0


class _Lines:
    """A stream for tqdm in a log file: whole lines instead of carriage returns."""

    def write(self, text: str) -> None:
        text = text.strip("\r\n")
        if text.strip():
            sys.stderr.write(text + "\n")

    def flush(self) -> None:
        sys.stderr.flush()


@contextmanager
def progress(
    total: int, unit: str, what: str, *, done: int = 0, hidden: bool = False
) -> Iterator["tqdm[NoReturn]"]:
    """Show a bar in a terminal, or a line every 10 s in a log.

    Args:
        total: How many units the whole work has.
        unit: The unit, plural: ``"slides"``, ``"images"``.
        what: What is being done, e.g. ``"train dcgan-normal"``.
        done: Units finished before (a resumed run).
        hidden: Show nothing, where another process tells of the same work.

    Yields:
        The tqdm bar; call ``update(n)`` and ``set_postfix(...)`` on it.
    """
    terminal = sys.stderr.isatty()
    with tqdm(
        total=total,
        initial=done,
        disable=hidden,
        unit=f" {unit}",
        desc=what,
        file=sys.stderr if terminal else _Lines(),
        mininterval=0.2 if terminal else _LOG_INTERVAL_S,
        maxinterval=_LOG_INTERVAL_S,
        ascii=not terminal,
        ncols=None if terminal else 120,
    ) as bar:
        yield bar


def tracked(items: Iterable[T], total: int, unit: str, what: str) -> Iterator[T]:
    """Iterate over `items` with a progress bar (see `progress`)."""
    with progress(total, unit, what) as bar:
        for item in items:
            yield item
            bar.update(1)
