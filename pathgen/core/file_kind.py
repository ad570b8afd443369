"""Tell what a file is by its first bytes, where a reader cannot use it."""

import re
from pathlib import Path

from pathgen.core.errors import PathgenError

_HEAD_BYTES = 4096
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_PAGE = re.compile(rb"<(!doctype html|html|head|body)\b", re.IGNORECASE)
_COPY = "Copy or download it again, or correct its name"
_UNPACK = "Unpack it"
# Kind, first bytes, what the file is, what to do.
_SIGNATURES = (
    ("GZIP", b"\x1f\x8b", "compressed by gzip", _UNPACK),
    ("ZIP", b"PK\x03\x04", "a ZIP archive, or a spreadsheet or document, which are ZIP archives", _UNPACK),
    ("PDF", b"%PDF", "a PDF document", _COPY),
    ("PNG", b"\x89PNG", "a PNG image", _COPY),
    ("JPEG", b"\xff\xd8\xff", "a JPEG image", _COPY),
    ("TIFF", b"II*\0", "a TIFF image", _COPY),
    ("TIFF", b"MM\0*", "a TIFF image", _COPY),
    ("TIFF", b"II+\0", "a TIFF image", _COPY),
    ("TIFF", b"MM\0+", "a TIFF image", _COPY),
    ("HDF5", b"\x89HDF", "an HDF5 file", _COPY),
    ("LFS", b"version https://git-lfs", "a pointer of Git LFS, not the file", "Fetch the file: git lfs pull"),
)


def misnamed(path: Path, *own: str) -> PathgenError | None:
    """Return an error that names what a file is, if that is something else than its reader expects.

    Args:
        path: An existing file that its reader could not use.
        own: Kinds that the reader expects: GZIP, ZIP, PDF, PNG, JPEG, TIFF, HDF5, LFS, HTML, XML, JSON, TEXT
            (any other text).

    Returns:
        The error, also for an empty file or one of zeros; None if the file is of a kind in `own`, or of none
        that is known, or cannot be read, so that the reader's own message applies.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return None
    if not head:
        return PathgenError(path, "is empty (0 bytes)", "Copy it again from its source")
    if not head.strip(b"\0"):
        reason = f"begins with {len(head):,} zero bytes, as after an interrupted copy"
        return PathgenError(path, reason, "Copy it again from its source")
    kind, what, hint = _kind(head.removeprefix(_BYTE_ORDER_MARK).lstrip())
    return None if kind is None or kind in own else PathgenError(path, f"is {what}", hint)


def _kind(head: bytes) -> tuple[str | None, str, str]:
    for kind, signature, what, hint in _SIGNATURES:
        if head.startswith(signature):
            return kind, what, hint
    if _CONTROL.search(head):
        return None, "", ""
    lines = head.decode("utf-8", errors="replace").splitlines() or [""]
    begins = f"that begins with {lines[0][:60]!r}"
    if head.startswith(b"<") and _PAGE.search(head):
        return "HTML", f"a web page (HTML) {begins}", "Download it again; a browser shows what the page says"
    if head.startswith(b"<"):
        return "XML", f"XML {begins}", _COPY
    if head.startswith((b"{", b"[")):
        return "JSON", f"JSON {begins}", _COPY
    return "TEXT", f"text {begins}", _COPY
