"""Say why a file is no slide that can be read, better than the reader that refused it."""

import os
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.wsi.tiff import require_whole, tiff_facts


def _trouble_with_file(path: Path) -> tuple[str, str] | None:
    """Return reason and hint of what is wrong with the file whatever its format, or None."""
    if not path.exists():
        return "no such file", "Correct the path"
    if path.is_dir():
        return "is a folder, not a slide", "Name the slide file in it"
    if not os.access(path, os.R_OK):
        return "may not be read by this user", "Change the file's permissions"
    if path.stat().st_size == 0:
        return "is empty (0 bytes)", "Copy it again from where it came"
    if path.suffix.lower() == ".mrxs" and not path.with_suffix("").is_dir():
        return f"its data folder {path.stem}/ is missing", "Copy that folder beside the file"
    return None


def why_refused(path: Path, said: str) -> PathgenError:
    """Find out why OpenSlide refused a file.

    Args:
        path: The file, which may not exist.
        said: What OpenSlide said, often no more than "unsupported or missing".

    Returns:
        The error to raise, with the most telling reason that a look at the file gives.
    """
    trouble = _trouble_with_file(path)
    if trouble is not None:
        return PathgenError(path, *trouble)
    try:
        require_whole(path)
        facts = tiff_facts(path)
    except PathgenError as damaged:
        return damaged
    if facts is not None and not facts.tiled:
        hint = "Convert it to a tiled pyramid, e.g. with: vips tiffsave in.tif out.tif --tile --pyramid"
        return PathgenError(path, "a TIFF in strips: slides are read from tiled TIFF only", hint)
    hint = "Convert it to a format that OpenSlide reads, or leave the slide out"
    return PathgenError(path, f"OpenSlide cannot open it: {said}", hint)
