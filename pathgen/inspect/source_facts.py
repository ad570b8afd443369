"""Facts of the folder that a source reads, by the checks of the stage `cohort`."""

import csv
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core.labels import LABELS
from pathgen.core.params import PARAMS_FILE, read_params
from pathgen.inspect.file_facts import annotation_settings
from pathgen.sources.pcam import read_labels
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source, parse_cohort

_CAMELYON16_FOLDERS = ("training/normal", "training/tumor", "testing/images")
# Needs the fewest pixels, so that a file is not refused for a crop that params.yaml does not ask for.
_SMALLEST_CROP_PX = 8


def source_settings(folder: Path) -> CohortSettings | None:
    """Return the settings by which a source would read a folder.

    Args:
        folder: An existing folder.

    Returns:
        The section `cohort` of the params file of the working folder, if its root is this folder. Otherwise
        settings of the source with this layout: PatchCamelyon, Camelyon16, or slides
        with a CSV file. None if it has none of these.

    Raises:
        PathgenErrors: The section `cohort` is not valid.
    """
    if PARAMS_FILE.is_file():
        params = read_params()
        section = params.get("cohort")
        root = section.get("root") if isinstance(section, dict) else None
        if isinstance(root, str) and Path(root).resolve() == folder.resolve():
            return parse_cohort(params)
    own = _layout(folder)
    if own is None:
        return None
    (source,) = own
    plain = {"source": source, "root": str(folder), "on_bad_slide": "stop", "use_unannotated_tissue": False}
    return parse_cohort({"cohort": {**plain, **{name: part for name, part in own.items() if part}}})


def _layout(folder: Path) -> dict[str, dict[str, Any]] | None:
    """Return the name of the source with the layout of a folder, and the source's own settings."""
    if any(folder.glob("camelyonpatch_level_2_split_*.h5")):
        return {"pcam": {"crop_px": _SMALLEST_CROP_PX}}
    if any((folder / name).is_dir() for name in _CAMELYON16_FOLDERS):
        return {"camelyon16": {}}
    tables = [file for file in sorted(folder.glob("*.csv")) if _lists_slides(file)]
    return {"slide_csv": {"table": tables[0].name}} if len(tables) == 1 else None


def _lists_slides(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return {"slide", "label"} <= {cell.strip() for cell in header}


def source_facts(folder: Path, settings: CohortSettings) -> dict[str, Any]:
    """Find and open all files of a source as the stage `cohort` does.

    Args:
        folder: The folder.
        settings: See `source_settings`.

    Raises:
        PathgenErrors: What the stage `cohort` would refuse, one error per problem.
    """
    source = load_source(settings.source)
    cohort = source.find_cohort(folder, settings, annotation_settings())
    used = cohort[cohort["skipped"].isna()]
    facts: dict[str, Any] = {"source": settings.source}
    if source.has_slide_ids:
        facts["slides"] = len(used)
        facts["by_label"] = _counts(used["label"])
    facts["by_split"] = _counts(used["split"])
    if settings.source == "pcam":
        facts["by_split"] = {
            row["split"]: {
                label: int((read_labels(folder / row["annotation"]) == number).sum())
                for number, label in enumerate(LABELS)
            }
            for row in used.to_dict("records")
        }
    if len(used) < len(cohort):
        left_out = cohort[cohort["skipped"].notna()]
        facts["skipped"] = dict(zip(left_out["slide"], left_out["skipped"], strict=True))
    return {**facts, "bytes": int(used["bytes"].sum())}


def _counts(values: "pd.Series[Any]") -> dict[str, int]:
    """Return the number of rows by value; rows without one are under "unknown"."""
    counts = values.fillna("unknown").value_counts()
    return {str(value): int(count) for value, count in sorted(counts.items())}
