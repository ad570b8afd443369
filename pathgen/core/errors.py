"""Errors that a user can correct, and the one place that prints them."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class PathgenError(Exception):
    """Bad input that a user can correct.

    The message is one line: ``<file or setting>: <reason>. <hint>``.

    Args:
        subject: File or setting with the problem.
        reason: Predicate that follows the subject, e.g. ``is not a TIFF file``.
        hint: Instruction to the user, e.g. ``Convert it with vips tiffsave``.
    """

    def __init__(self, subject: object, reason: str, hint: str) -> None:
        self.subject = str(subject)
        self.reason = " ".join(reason.split()).rstrip(".")
        self.hint = " ".join(hint.split()).rstrip(".")
        super().__init__(f"{self.subject}: {self.reason}. {self.hint}.")

    def __reduce__(self) -> "tuple[type[PathgenError], tuple[object, ...]]":
        # Needed to send an error from a worker on another machine.
        return type(self), (self.subject, self.reason, self.hint)


class PathgenErrors(PathgenError):
    """Several problems found in one pass, so that a user can correct all of them at once."""

    def __init__(self, errors: list[PathgenError]) -> None:
        assert errors, "raise only when there is a problem"
        super().__init__(errors[0].subject, errors[0].reason, errors[0].hint)
        self.errors = errors

    def __reduce__(self) -> "tuple[type[PathgenErrors], tuple[object, ...]]":
        return type(self), (self.errors,)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def is_disk_full(problem: OSError) -> bool:
    """Return whether a write failed because the disk or the quota is full."""
    return problem.errno in (errno.ENOSPC, errno.EDQUOT)


def disk_full(folder: object, needed_bytes: int | None = None) -> PathgenError:
    """Build the error of a full disk.

    Args:
        folder: Folder or file on the disk.
        needed_bytes: Number of bytes that are needed there, if known.
    """
    needs = "" if needed_bytes is None else f": {needed_bytes:,} bytes are needed there"
    hint = "Free some space and run the same command again; finished work is kept"
    return PathgenError(folder, f"the disk is full{needs}", hint)


@contextmanager
def cli_errors() -> Iterator[None]:
    """Turn a `PathgenError`, or a failure of the file system, into ``error:`` lines and exit code 1."""
    try:
        yield
        return
    except PathgenError as problem:
        error = problem
    except OSError as problem:
        if is_disk_full(problem):
            error = disk_full(problem.filename or "disk")
        elif problem.filename is not None:
            reason = f"cannot be read or written: {problem.strerror}"
            error = PathgenError(problem.filename, reason, "Correct the path or its permissions")
        else:
            raise
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)
    raise SystemExit(1)
