"""Settings of a study, and the slides or files of patches that it starts from, listed without opening any."""

import csv
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.core.params import PARAMS_FILE, read_params
from pathgen.core.profiles import compose_profile
from pathgen.sources.camelyon16 import SLIDE_FOLDERS
from pathgen.sources.cohort import require_folder
from pathgen.sources.settings import CohortSettings
from pathgen.validation import validate_params


def read_settings(name: str | None, root: Path) -> tuple[str, dict[str, Any], bool]:
    """Read and validate the settings of a study.

    Args:
        name: Name of a profile, path of a params file, or None for the checkout's own params.yaml.
        root: Root of the checkout.

    Returns:
        Name to show; content of the params file; whether it equals the checkout's own.

    Raises:
        PathgenError: There is no such profile or file.
        PathgenErrors: Settings are invalid.
    """
    own = root / PARAMS_FILE
    file = own if name is None else Path(name)
    with tempfile.TemporaryDirectory(prefix="pathgen-plan-") as folder:
        if name is not None and not file.is_file():
            file = Path(folder) / f"{name}.yaml"
            text = compose_profile(name)
            file.write_text(text, encoding="utf-8")
        validate_params(file)
        params = read_params(file)
    return str(name or PARAMS_FILE), params, own.is_file() and read_params(own) == params


def input_files(cohort: CohortSettings, root: Path) -> tuple[list[Path], list[str]]:
    """List the files of a source.

    Args:
        cohort: Section ``cohort``; not of the source ``phantom``.
        root: Root of the checkout; a relative `cohort.root` starts there.

    Returns:
        Files that exist; files that the slide table names but that do not exist, relative to `cohort.root`.

    Raises:
        PathgenError: The folder or its slide table is missing or cannot be read.
    """
    folder = root / (cohort.root or "")
    require_folder(folder)
    if cohort.source == "camelyon16":
        files = [file for part in SLIDE_FOLDERS.values() for file in sorted((folder / part).glob("*.tif*"))]
    elif cohort.source == "pcam":
        files = sorted(folder.glob("camelyonpatch_level_2_split_*_[xy].h5"))
    elif cohort.source == "patches":
        files = [file for label in LABELS for file in (folder / label).glob("[!.]*")]
    else:
        files = _files_of_table(folder, cohort)
    files = [file for file in files if file.stem not in cohort.exclude_slides]
    missing = [os.path.relpath(file, folder) for file in files if not file.is_file()]
    return [file for file in files if file.is_file()], missing


def _files_of_table(folder: Path, cohort: CohortSettings) -> list[Path]:
    assert cohort.slides is not None, "checked by CohortSettings"
    table = folder / cohort.slides.table
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            return [folder / row["slide"].strip() for row in csv.DictReader(stream) if row.get("slide")]
    except (OSError, UnicodeDecodeError, csv.Error):
        hint = "Write it, with the columns slide and label"
        raise PathgenError(table, "cannot be read as CSV", hint) from None


def count_inputs(params: Mapping[str, Any], root: Path) -> int:
    """Return the number of slides, or of files where the source has no slides.

    Args:
        params: Content of params.yaml.
        root: Root of the checkout.

    Raises:
        PathgenError: See `input_files`.
    """
    phantom = params["cohort"].get("phantom")
    if params["cohort"]["source"] == "phantom":
        return sum(value for name, value in phantom.items() if name.endswith("_slides"))
    return len(input_files(CohortSettings.model_validate(params["cohort"]), root)[0])
