"""Which files of a folder are one DICOM slide."""

from functools import lru_cache
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

_PREAMBLE_BYTES = 128
_MARK = b"DICM"


def is_dicom(path: Path) -> bool:
    """Return whether a file is DICOM by its content, as OpenSlide judges it; its name may have any suffix."""
    with path.open("rb") as stream:
        stream.seek(_PREAMBLE_BYTES)
        return stream.read(len(_MARK)) == _MARK


def other_files_of_series(path: Path) -> list[Path]:
    """Return the files of a slide's series but one, sorted.

    Args:
        path: One of the files.

    Returns:
        The DICOM files of the same folder with the same series, or with headers that cannot be read and may
        belong to it.
    """
    series = _series(path)
    others = (file for file in sorted(path.parent.iterdir()) if file != path and file.is_file())
    return [file for file in others if is_dicom(file) and _series(file) in (series, None)]


def _series(path: Path) -> str | None:
    state = path.stat()
    return _read_series(path.resolve(), state.st_size, state.st_mtime_ns)


# Each slide of a folder asks for all of its files.
@lru_cache(maxsize=1 << 16)
def _read_series(path: Path, size: int, modified_ns: int) -> str | None:
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SeriesInstanceUID"])
        return str(header.SeriesInstanceUID)
    except (InvalidDicomError, OSError, AttributeError, ValueError, EOFError, KeyError):
        return None
