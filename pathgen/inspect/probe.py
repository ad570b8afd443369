"""Find out what a path is, and gather its facts or the reason why it cannot be used."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.core.file_kind import misnamed
from pathgen.inspect.file_facts import (
    CARD_FILE,
    annotation_facts,
    checkpoint_facts,
    params_facts,
    slide_facts,
    weights_facts,
)
from pathgen.inspect.patch_facts import (
    hdf5_facts,
    is_picture_folder,
    patch_set_facts,
    picture_facts,
    picture_folder_facts,
    table_facts,
)
from pathgen.inspect.source_facts import source_facts, source_settings
from pathgen.patches.store import INDEX_FILE, PIXELS_FILE
from pathgen.sources.labelled_images import IMAGE_SUFFIXES
from pathgen.sources.whole_slide import SLIDE_SUFFIXES

# A single TIFF is taken for a slide, one in a folder of labelled images for a patch.
_SLIDES = (*SLIDE_SUFFIXES, ".czi", ".dcm")
_UNKNOWN = "unknown"
_KNOWN = (
    "Name a slide, annotation, patch set, folder of a source (cohort.root), folder of normal/ and tumor/ "
    "images, PatchCamelyon file, checkpoint, table of the pipeline or params file"
)


_Reader = Callable[[Path], dict[str, Any]]


@dataclass(frozen=True)
class ProbeResult:
    """What one path is.

    Attributes:
        path: The path as given.
        kind: Kind of file or folder, where it was recognised.
        usable: Whether the suite can use it.
        facts: Its key facts as JSON knows them; empty when it is not usable.
        problem: Why it is not usable: ``file: reason. hint.``, one line each; None when it is.
    """

    path: str
    kind: str
    usable: bool
    facts: dict[str, Any]
    problem: str | None


def inspect_path(path: Path) -> ProbeResult:
    """Identify a path, and check whether the suite can use it.

    Args:
        path: A file or folder.

    Returns:
        The finding; a file that is missing or broken is a finding, too, and raises nothing.
    """
    kind = _UNKNOWN
    try:
        kind, read = _kind(path)
        facts = read(path)
        kind = facts.pop("kind", kind)
    except PathgenError as problem:
        return ProbeResult(str(path), kind, False, {}, str(problem))
    except OSError as problem:
        error = PathgenError(path, f"cannot be read: {problem.strerror or problem}", "Check its permissions")
        return ProbeResult(str(path), kind, False, {}, str(error))
    return ProbeResult(str(path), kind, True, facts, None)


def _kind(path: Path) -> tuple[str, _Reader]:
    if not path.exists():
        raise PathgenError(path, "no such file or folder", "Check the path")
    if path.is_dir():
        return _kind_of_folder(path)
    by_suffix: dict[str, tuple[str, _Reader]] = {
        **dict.fromkeys(_SLIDES, ("slide", slide_facts)),
        **dict.fromkeys((".xml", ".geojson"), ("annotation", annotation_facts)),
        **dict.fromkeys(IMAGE_SUFFIXES - set(_SLIDES), ("picture", picture_facts)),
        **dict.fromkeys((".h5", ".hdf5"), ("PatchCamelyon file", hdf5_facts)),
        **dict.fromkeys((".yaml", ".yml"), ("params file", params_facts)),
        ".parquet": ("table", table_facts),
        ".safetensors": ("weights", weights_facts),
    }
    suffix = path.suffix.lower()
    if suffix == ".json" and _is_geojson(path):
        return "annotation", annotation_facts
    if path.name in (PIXELS_FILE, CARD_FILE):
        kind, read = _kind_of_folder(path.parent)
        return kind, lambda file: read(file.parent)
    if suffix not in by_suffix:
        unknown = PathgenError(path, "is no file that the suite knows", _KNOWN)
        raise misnamed(path, "TEXT", "JSON", "XML") or unknown
    return by_suffix[suffix]


def _kind_of_folder(folder: Path) -> tuple[str, _Reader]:
    if (folder / PIXELS_FILE).exists() or (folder / INDEX_FILE).exists():
        return "patch set", patch_set_facts
    if (folder / CARD_FILE).exists() or any(folder.glob("*.safetensors")):
        return "checkpoint", checkpoint_facts
    if settings := source_settings(folder):
        return f"folder of the source {settings.source}", partial(source_facts, settings=settings)
    if is_picture_folder(folder):
        return "folder of labelled images", picture_folder_facts
    raise PathgenError(
        folder, "is no folder that the suite knows", f"{_KNOWN}; of other folders, the files in it"
    )


def _is_geojson(path: Path) -> bool:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    features = content[0] if isinstance(content, list) and content else content
    return isinstance(features, dict) and features.get("type") in ("Feature", "FeatureCollection")
