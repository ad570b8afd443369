"""Facts of patches, however they are stored: patch sets, labelled images, PatchCamelyon's HDF5, tables."""

from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.core.files import sha256_of
from pathgen.core.labels import LABELS
from pathgen.inspect.file_facts import file_facts
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import CANDIDATES, COHORT, SAMPLES, check_table
from pathgen.patches.store import INDEX_FILE, PIXELS_FILE, open_patch_set
from pathgen.sources.labelled_images import check_scale, find_images, open_images, read_image
from pathgen.sources.pcam import open_array, patches_shape, read_labels

_PREDICTIONS = ("slide", "item", "label", "score", "predicted")


def _counts(values: "pd.Series[str]") -> dict[str, int]:
    counts = values.value_counts(dropna=True)
    return {str(value): int(count) for value, count in sorted(counts.items())}


def patch_set_facts(folder: Path) -> dict[str, Any]:
    """Open a patch set."""
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
    """Decode an image that can be used as a patch."""
    side = len(read_image(path).pixels)
    return {"size_px": [side, side], "mode": "RGB", **file_facts(path)}


def is_picture_folder(folder: Path) -> bool:
    """Tell whether a folder has a sub-folder of the name of a label."""
    return any((folder / label).is_dir() for label in LABELS)


def picture_folder_facts(folder: Path) -> dict[str, Any]:
    """Decode every image in ``normal/`` and ``tumor/``, and check them as the source `patch_folder` does."""
    found = find_images(folder)
    images, bad = open_images(folder, [(label, f"{label}/{file.name}") for label, file in found.images])
    problems = [*found.problems, *bad.values(), *check_scale(images, folder, same_area=False)]
    if problems:
        more = f" ({len(problems)} such problems in {folder})" if len(problems) > 1 else ""
        raise PathgenError(problems[0].subject, problems[0].reason + more, problems[0].hint)
    facts: dict[str, Any] = {
        "by_label": _counts(images["label"]),
        "sides_px": images["side_px"].unique().tolist(),
    }
    if copies := int(images["pixels"].duplicated().sum()):
        facts["copies"] = copies
    if found.unused:
        facts["not_used"] = found.describe_unused()
    return facts


def hdf5_facts(path: Path) -> dict[str, Any]:
    """Read one of PatchCamelyon's files, patches ``x`` or labels ``y``, and compare it with the other one.

    The other file is the one that has the name that PatchCamelyon gives it.
    """
    array, other = ("y", "x") if path.stem.endswith("_y") else ("x", "y")
    with open_array(path, array) as content:
        facts: dict[str, Any] = {"array": array, "shape": list(content.shape), "dtype": str(content.dtype)}
    if array == "x":
        patches_shape(path)
    else:
        labels = read_labels(path)
        facts["by_label"] = {label: int((labels == number).sum()) for number, label in enumerate(LABELS)}
    stem = path.stem.removesuffix(f"_{array}")
    if stem != path.stem:
        partner = path.with_name(f"{stem}_{other}{path.suffix}")
        hint = "Put both files of a split side by side"
        if not partner.is_file():
            raise PathgenError(path, f"the file {partner.name} that belongs to it is missing", hint)
        with open_array(partner, other) as content:
            count = len(content)
        if count != facts["shape"][0]:
            raise PathgenError(path, f"has {facts['shape'][0]} rows, but {partner.name} has {count}", hint)
        facts["belongs_to"] = partner.name
    return facts | file_facts(path)


def table_facts(path: Path) -> dict[str, Any]:
    """Read a parquet table; ``kind`` is which of the study's tables it is."""
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
    facts: dict[str, Any] = {"kind": kind, "rows": len(table)}
    for name in ("source", "split", "role", "label", "predicted"):
        if name in names:
            facts[f"by_{name}"] = _counts(table[name])
    if "slide" in names:
        facts["slides"] = int(table["slide"].nunique())
    if "skipped" in names:
        facts["skipped"] = int(table["skipped"].notna().sum())
    return facts | file_facts(path)
