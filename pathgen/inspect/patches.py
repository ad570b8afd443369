"""Facts of patches, however they are stored: patch sets, labelled images, PatchCamelyon's HDF5, tables."""

import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.core.files import sha256_of
from pathgen.core.labels import LABELS
from pathgen.inspect.slides import file_facts
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import CANDIDATES, COHORT, SAMPLES, check_table
from pathgen.patches.store import INDEX_FILE, PIXELS_FILE, open_patch_set

PICTURES = frozenset((".png", ".jpg", ".jpeg", ".bmp"))
# A single TIFF is taken for a slide, one in a folder of labelled images for a patch.
_IN_FOLDERS = PICTURES | {".tif", ".tiff"}
_PREDICTIONS = ("slide", "item", "label", "score", "predicted")
_AGAIN = "Download it again, unpack it if it ends in .gz, and compare its checksum"
# What Pillow raises on damaged pictures.
_UNREADABLE = (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError)


def _counts(values: "pd.Series[str]") -> dict[str, int]:
    counts = values.value_counts(dropna=True)
    return {str(value): int(count) for value, count in sorted(counts.items())}


def patch_set_facts(folder: Path) -> dict[str, Any]:
    """Open a patch set.

    Args:
        folder: The folder of ``patches.npy`` and ``index.parquet``.

    Returns:
        Its facts, as JSON knows them.

    Raises:
        PathgenError: It is damaged or incomplete.
    """
    patches = open_patch_set(folder)
    return {
        "patches": len(patches),
        "side_px": int(patches.images.shape[1]),
        "by_label": _counts(patches.index["label"]),
        "columns": [str(name) for name in patches.index.columns],
        **({"slides": int(patches.index["slide"].nunique())} if "slide" in patches.index.columns else {}),
        "bytes": sum((folder / name).stat().st_size for name in (PIXELS_FILE, INDEX_FILE)),
        "sha256": {name: sha256_of(folder / name) for name in (PIXELS_FILE, INDEX_FILE)},
    }


def picture_facts(path: Path) -> dict[str, Any]:
    """Decode a picture.

    Args:
        path: A PNG, JPEG or BMP file.

    Returns:
        Its facts, as JSON knows them.

    Raises:
        PathgenError: It is damaged, or not a square RGB picture as the source `patch_folder` takes.
    """
    try:
        with Image.open(path) as image:
            image.load()
            mode, (width, height) = image.mode, image.size
    except _UNREADABLE as problem:
        raise PathgenError(path, f"not readable as a picture: {problem}", "Copy it again") from None
    if mode != "RGB" or width != height:
        said = f"is {mode} of {width} x {height} px, not a square RGB picture"
        raise PathgenError(path, said, "Convert it to be used as a patch")
    return {"size_px": [width, height], "mode": mode, **file_facts(path)}


def is_picture_folder(folder: Path) -> bool:
    """Tell whether a folder has a sub-folder of the name of a label."""
    return any((folder / label).is_dir() for label in LABELS)


def picture_folder_facts(folder: Path) -> dict[str, Any]:
    """Decode every picture in ``normal/`` and ``tumor/``.

    Args:
        folder: The folder that holds the two.

    Returns:
        Counts and sizes, as JSON knows them.

    Raises:
        PathgenError: A label has no pictures, or a picture cannot be used.
    """
    counts, sides, problems = {}, set(), []
    for label in LABELS:
        files = sorted(file for file in (folder / label).glob("*") if file.suffix.lower() in _IN_FOLDERS)
        counts[label] = len(files)
        if not files:
            problems.append(
                PathgenError(folder / label, "holds no pictures", "Put the patches of the label there")
            )
        for file in files:
            try:
                sides.add(picture_facts(file)["size_px"][0])
            except PathgenError as problem:
                problems.append(problem)
    if problems:
        more = f" ({len(problems)} such problems in {folder})" if len(problems) > 1 else ""
        raise PathgenError(problems[0].subject, problems[0].reason + more, problems[0].hint)
    return {"by_label": counts, "sides_px": sorted(sides)}


def hdf5_facts(path: Path) -> dict[str, Any]:
    """Read one of PatchCamelyon's files: the patches ``x`` or the labels ``y``.

    Args:
        path: The HDF5 file.

    Returns:
        Its facts, as JSON knows them.

    Raises:
        PathgenError: It is damaged or of another layout, or does not fit the file it belongs to.
    """
    try:
        with h5py.File(path, "r") as file:
            found = [key for key in ("x", "y") if isinstance(file.get(key), h5py.Dataset)]
            if not found:
                raise PathgenError(path, "holds neither x nor y, so it is not PatchCamelyon's", _AGAIN)
            array = file[found[0]]
            shape, dtype = tuple(array.shape), str(array.dtype)
            labels = np.asarray(array[...]).reshape(-1) if found == ["y"] else None
            if labels is None and shape[0]:
                array[-1]  # stored last: reading it finds a file that was cut off
    except (OSError, RuntimeError, KeyError) as problem:
        raise PathgenError(path, f"not readable as HDF5: {problem}", _AGAIN) from None
    facts: dict[str, Any] = {"array": found[0], "shape": list(shape), "dtype": dtype}
    if labels is None:
        if len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2] or dtype != "uint8":
            raise PathgenError(path, f"x is {dtype} of shape {shape}, not uint8 of (N, S, S, 3)", _AGAIN)
    else:
        if labels.size != shape[0] or not set(np.unique(labels)) <= {0, 1}:
            raise PathgenError(path, f"y of shape {shape} does not hold one 0 or 1 per patch", _AGAIN)
        facts["by_label"] = {label: int((labels == number).sum()) for number, label in enumerate(LABELS)}
    return facts | _beside(path, found[0], shape[0]) | file_facts(path)


def _beside(path: Path, array: str, count: int) -> dict[str, Any]:
    """Compare with the other file of the pair, by the name that PatchCamelyon gives it."""
    stem = path.stem.removesuffix(f"_{array}")
    other = {"x": "y", "y": "x"}[array]
    partner = path.with_name(f"{stem}_{other}{path.suffix}")
    if stem == path.stem:
        return {}
    hint = "Put both files of a split side by side"
    if not partner.is_file():
        raise PathgenError(path, f"the file {partner.name} that belongs to it is missing", hint)
    try:
        with h5py.File(partner, "r") as file:
            there = len(file[other])
    except (OSError, RuntimeError, KeyError) as problem:
        raise PathgenError(partner, f"not readable as HDF5: {problem}", _AGAIN) from None
    if there != count:
        raise PathgenError(path, f"has {count} rows, but {partner.name} has {there}", hint)
    return {"belongs_to": partner.name}


def table_facts(path: Path) -> tuple[str, dict[str, Any]]:
    """Read a parquet table and tell which of the study's tables it is.

    Args:
        path: The parquet file.

    Returns:
        The kind of table, and its facts as JSON knows them.

    Raises:
        PathgenError: It is damaged, or none of the study's tables.
    """
    table = read_table(path)
    names = set(table.columns)
    schemas = {"cohort table": COHORT, "samples table": SAMPLES, "candidates table": CANDIDATES}
    fitting = [kind for kind, schema in schemas.items() if names == set(schema.names)]
    if fitting:
        kind = fitting[0]
        table = check_table(table, schemas[kind], path)
    elif "label" in names and set(table["label"].unique()) <= set(LABELS):
        kind = "predictions" if names == set(_PREDICTIONS) else "index of a patch set"
    else:
        known = "cohort, candidates, samples, predictions or index of a patch set"
        raise PathgenError(path, f"its columns are of none of: {known}", "Name a table of the pipeline")
    by = [name for name in ("source", "split", "role", "label", "predicted") if name in names]
    facts: dict[str, Any] = {"rows": len(table), **{f"by_{name}": _counts(table[name]) for name in by}}
    if "slide" in names:
        facts["slides"] = int(table["slide"].nunique())
    if "skipped" in names:
        facts["skipped"] = int(table["skipped"].notna().sum())
    return kind, facts | file_facts(path)
