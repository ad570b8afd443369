"""The record of one slide's finished work, beside its files: what shaped them, and their digests."""

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pathgen.core.files import sha256_of

RECORD_FILE = "record.json"
_FORM = 1
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)
_TRIES = 100

Facts = Mapping[str, str | int | float | None]


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a plain value (numbers, text, lists, mappings) as JSON with sorted keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Identity:
    """All that shapes the result of a slide's work; equal identities give equal bytes.

    Attributes:
        parameters: Digest of the settings.
        slide: Digest of the slide's content, of its annotation, and of what the cohort says of it.
        code: Digest of the code, see `pathgen.jobs.code`.
        part: Digest of which part of the slide was asked for; empty where it is the whole slide.
    """

    parameters: str
    slide: str
    code: str
    part: str = ""

    @property
    def name(self) -> str:
        """The name of its folder."""
        return digest_of(asdict(self))[:24]


@dataclass(frozen=True)
class Record:
    """What is known of a slide's work.

    Attributes:
        identity: What shaped it.
        facts: What the work told of the slide, e.g. counts.
        reason: Why the slide cannot be used; None where the work is done.
        seconds: How long it took.
        files: Name to bytes and SHA-256 of every file.
    """

    identity: Identity
    facts: Facts
    reason: str | None
    seconds: float
    files: Mapping[str, tuple[int, str]]


def _files(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        file.name: (file.stat().st_size, sha256_of(file))
        for file in sorted(folder.iterdir())
        if file.name != RECORD_FILE
    }


def read_record(folder: Path) -> Record | None:
    """Read a record, and check it and every file it names.

    Args:
        folder: The folder that holds the record and the files.

    Returns:
        The record; None when there is none, or when anything is missing, added or changed.
    """
    try:
        content = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
        own = content.pop("digest")
        if own != digest_of(content) or content["form"] != _FORM:
            return None
        record = Record(
            identity=Identity(**content["identity"]),
            facts=content["facts"],
            reason=content["reason"],
            seconds=content["seconds"],
            files={name: (size, digest) for name, (size, digest) in content["files"].items()},
        )
        sizes = {file.name: file.stat().st_size for file in folder.iterdir() if file.name != RECORD_FILE}
        if sizes != {name: size for name, (size, _) in record.files.items()}:
            return None
        return record if _files(folder) == record.files else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        # Whatever is wrong with it, the work is done again.
        return None


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_record(folder: Path, identity: Identity, facts: Facts, reason: str | None, seconds: float) -> None:
    """Write the record of a folder's files, after all of them have reached the disk.

    Args:
        folder: The draft that holds the files and nothing else.
        identity: See `Record`, as the others.
        facts: Likewise.
        reason: Likewise.
        seconds: Likewise.
    """
    for file in folder.iterdir():
        _sync(file)
    content = {
        "form": _FORM,
        "identity": asdict(identity),
        "facts": dict(facts),
        "reason": reason,
        "seconds": round(seconds, 3),
        "files": {name: list(facts) for name, facts in _files(folder).items()},
    }
    text = json.dumps({**content, "digest": digest_of(content)}, indent=2, ensure_ascii=False)
    record = folder / RECORD_FILE
    record.write_text(text + "\n", encoding="utf-8")
    _sync(record)


@contextmanager
def draft_beside(place: Path) -> Iterator[Path]:
    """Yield an empty folder beside `place` that no other process knows; it is gone when the block ends."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{uuid.uuid4().hex}.partial")
    draft.mkdir()
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def put_in_place(draft: Path, place: Path) -> None:
    """Rename a finished draft to its place.

    Another process may have done the same work: whole work that is there already stays, for it has the
    same bytes; anything else makes way.

    Args:
        draft: The folder, with its record.
        place: Where it shall be.
    """
    for _ in range(_TRIES):
        try:
            draft.rename(place)
        except OSError as problem:
            if problem.errno not in _TAKEN:
                raise
        else:
            return
        there = read_record(place)
        if there is not None and there.reason is None:
            return
        away = place.with_name(f".{place.name}.{uuid.uuid4().hex}.partial")
        try:
            place.rename(away)
        except FileNotFoundError:
            continue
        shutil.rmtree(away, ignore_errors=True)
    raise RuntimeError(f"{place}: other processes keep replacing it")
