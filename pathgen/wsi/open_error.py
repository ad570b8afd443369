"""Find out why OpenSlide cannot open a file; its own message is often only "unsupported or missing"."""

import os
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.wsi.tiff import check_complete, tiff_facts


def _file_problem(path: Path) -> tuple[str, str] | None:
    """Return reason and hint of a problem that does not depend on the format, or None."""
    if not path.exists():
        return "no such file", "Correct the path"
    if path.is_dir():
        return "is a folder, not a slide", "Name the slide file in it"
    if not os.access(path, os.R_OK):
        return "is not readable by this user", "Change the file's permissions"
    if path.stat().st_size == 0:
        return "is empty (0 bytes)", "Copy it again from its source"
    if path.suffix.lower() == ".mrxs" and not path.with_suffix("").is_dir():
        return f"its data folder {path.stem}/ is missing", "Copy that folder to the folder of the file"
    return None


def open_error(path: Path, message: str) -> PathgenError:
    """Build the error of a file that OpenSlide cannot open.

    Args:
        path: The file, which may not exist.
        message: Message of OpenSlide.

    Returns:
        Error with the most specific reason that the file gives.
    """
    problem = _file_problem(path)
    if problem is not None:
        return PathgenError(path, *problem)
    try:
        check_complete(path)
        facts = tiff_facts(path)
    except PathgenError as damaged:
        return damaged
    if facts is not None and not facts.tiled:
        hint = "Convert it to a tiled pyramid, e.g. with: vips tiffsave in.tif out.tif --tile --pyramid"
        return PathgenError(path, "a TIFF in strips: slides are read from tiled TIFF only", hint)
    hint = "Convert it to a format that OpenSlide reads, or leave the slide out"
    return PathgenError(path, f"OpenSlide cannot open it: {message}", hint)
