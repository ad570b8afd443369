"""A cache of finished results on disk: one folder per result, renamed into place when it is complete."""

import json
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.provenance.cache_key import CacheKey

ENTRY_FILE = "entry.json"
_ABANDONED_S = 24 * 3600

Values = Mapping[str, Any]


@dataclass(frozen=True)
class JobResult:
    """The end of a job: a finished result in the cache, or a problem.

    Attributes:
        name: Name of the job.
        key: Everything that shapes the result.
        folder: Folder of the result's files; it exists unless the job failed.
        values: What the job returned, e.g. counts or metrics; plain JSON values; empty for a failed job.
        problem: Why the job failed, or None.
        loaded: Whether the result was in the cache, and not computed now.
    """

    name: str
    key: CacheKey
    folder: Path
    values: Values
    problem: PathgenError | None = None
    loaded: bool = field(default=False, compare=False)

    @property
    def errors(self) -> list[PathgenError]:
        """The problems of a failed job one by one; empty for a finished job."""
        if self.problem is None:
            return []
        return self.problem.errors if isinstance(self.problem, PathgenErrors) else [self.problem]


class ResultCache:
    """Finished results below one folder: ``{folder}/{job}/{digest of its key}/``.

    A result is written in a draft folder that no other process knows, and renamed. A reader therefore finds
    a complete result or none, also after ``kill -9``, and no lock is needed. Two processes that compute the
    same result at the same time keep the first one.

    Args:
        folder: Folder of the cache; it is created. Dask workers must see it under the same path.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)

    def place(self, job: str, key: CacheKey) -> Path:
        """Return the folder of a job's result, whether it exists or not."""
        return self.folder / job / key.digest[:24]

    def load(self, job: str, key: CacheKey) -> JobResult | None:
        """Load a finished result.

        Args:
            job: Name of the job.
            key: Everything that shapes the result.

        Returns:
            The result; None if there is none, or if a file is missing, added, or of another size.
        """
        entry = _read(self.place(job, key))
        if entry is None or entry.key.digest != key.digest:
            return None
        return replace(entry, loaded=True)

    def entries(self, job: str) -> list[JobResult]:
        """Return all finished results of a job, whatever their key."""
        folder = self.folder / job
        places = sorted(folder.glob("[!.]*")) if folder.is_dir() else []
        return [entry for place in places if (entry := _read(place)) is not None]

    @contextmanager
    def draft(self, job: str) -> Iterator[Path]:
        """Yield an empty folder for the files of a result; remove it at the end unless it was committed."""
        draft = self.folder / job / f".{uuid.uuid4().hex}.partial"
        draft.mkdir(parents=True)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def commit(self, draft: Path, job: str, key: CacheKey, values: Values) -> JobResult:
        """Turn a draft into a finished result, and return it in its place.

        Args:
            draft: Folder of the files, see `draft`.
            job: Name of the job.
            key: Everything that shaped the result.
            values: What the job returned.

        Raises:
            OSError: The disk is full or broken.
        """
        place = self.place(job, key)
        content = {"key": key.as_json(), "values": dict(values), "files": _sizes(draft)}
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        (draft / ENTRY_FILE).write_text(text + "\n", encoding="utf-8")
        if _read(place) is None:
            shutil.rmtree(place, ignore_errors=True)  # a damaged result
        try:
            draft.rename(place)
        except OSError:
            if _read(place) is None:
                raise
        return JobResult(job, key, place, values)

    def prune(self, keep: Iterable[tuple[str, CacheKey]]) -> None:
        """Remove all results but some, and the drafts that killed processes left.

        Call it only where no other process uses the cache, see `remove_abandoned_drafts`.

        Args:
            keep: Name and key of the results that stay.
        """
        kept = {self.place(job, key) for job, key in keep}
        for job in self.folder.iterdir():
            for place in job.iterdir() if job.is_dir() else []:
                if place not in kept:
                    shutil.rmtree(place, ignore_errors=True)
            if job.is_dir() and not any(job.iterdir()):
                job.rmdir()

    def remove_abandoned_drafts(self) -> None:
        """Remove drafts in which nothing was written for a day; safe where other processes use the cache."""
        for draft in self.folder.glob("*/.*.partial"):
            if time.time() - draft.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(draft, ignore_errors=True)


def _read(place: Path) -> JobResult | None:
    try:
        content = json.loads((place / ENTRY_FILE).read_text(encoding="utf-8"))
        if content["files"] != _sizes(place):
            return None
        return JobResult(place.parent.name, CacheKey(**content["key"]), place, content["values"])
    except (OSError, ValueError, TypeError, KeyError):
        return None  # Whatever is wrong with it, the job runs again.


def _sizes(folder: Path) -> dict[str, int]:
    return {
        file.relative_to(folder).as_posix(): file.stat().st_size
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file != folder / ENTRY_FILE
    }
