"""Progress bars of long work, in a terminal and in a log file."""

import multiprocessing
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from tqdm import tqdm

T = TypeVar("T")
_LOG_INTERVAL_S = 10.0


# Erases what is left of another process's bar in the line.
_ERASE_LINE = "\r\x1b[K"


class _Lines:
    """Stream for tqdm that writes whole lines to a log file, not carriage returns."""

    def write(self, text: str) -> None:
        text = text.strip("\r\n")
        if text.strip():
            sys.stderr.write(f"{_ERASE_LINE if sys.stderr.isatty() else ''}{text}\n")

    def flush(self) -> None:
        sys.stderr.flush()


@contextmanager
def progress(total: int, unit: str, desc: str, *, done: int = 0) -> Iterator["tqdm[NoReturn]"]:
    """Show a bar in a terminal, or a line every 10 s in a log and from a worker process.

    Args:
        total: Number of units of the whole work.
        unit: Unit in the plural: ``"slides"``, ``"images"``.
        desc: Description of the work, e.g. ``"train dcgan-normal"``.
        done: Number of units finished before, in a resumed run.

    Yields:
        The tqdm bar; call ``update(n)`` and ``set_postfix(...)`` on it.
    """
    # Bars of several processes would overwrite each other.
    terminal = sys.stderr.isatty() and multiprocessing.parent_process() is None
    with tqdm(
        total=total,
        initial=done,
        unit=f" {unit}",
        desc=desc,
        file=sys.stderr if terminal else _Lines(),
        mininterval=0.2 if terminal else _LOG_INTERVAL_S,
        maxinterval=_LOG_INTERVAL_S,
        ascii=not terminal,
        ncols=None if terminal else 120,
    ) as bar:
        yield bar


def tracked(items: Iterable[T], total: int, unit: str, desc: str) -> Iterator[T]:
    """Iterate over `items` with a progress bar (see `progress`)."""
    with progress(total, unit, desc) as bar:
        for item in items:
            yield item
            bar.update(1)
