"""Settings of a study, and the slides or files of patches that it starts from, listed without opening any."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pathgen.core.params import PARAMS_FILE, read_params
from pathgen.core.profiles import compose_profile
from pathgen.sources.cohort_table import require_folder
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source
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
    """List the files of a source without opening any.

    Args:
        cohort: Section ``cohort``.
        root: Root of the checkout; a relative `cohort.root` starts there.

    Returns:
        Files that exist or that the source makes itself; files that its slide table names but that do not
        exist, relative to `cohort.root`.

    Raises:
        PathgenError: The folder or its slide table is missing or cannot be read.
    """
    source, folder = load_source(cohort.source), root / cohort.folder
    if source.makes_data:
        return source.list_files(folder, cohort), []
    require_folder(folder)
    files = [file for file in source.list_files(folder, cohort) if file.stem not in cohort.exclude_slides]
    missing = [os.path.relpath(file, folder) for file in files if not file.is_file()]
    return [file for file in files if file.is_file()], missing


def count_inputs(params: Mapping[str, Any], root: Path) -> int:
    """Return the number of slides, or of files where the source has no slides.

    Args:
        params: Content of params.yaml.
        root: Root of the checkout.

    Raises:
        PathgenError: See `input_files`.
    """
    return len(input_files(CohortSettings.model_validate(params["cohort"]), root)[0])
