"""Find sources by their file names, and check the section `cohort` with the settings class of its source."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.params import PARAMS_FILE, S, parse_section, read_params
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source import Source

_PACKAGE = Path(__file__).resolve().parent


def source_names() -> list[str]:
    """Return the names of all sources, sorted: the files of this package that export `SOURCE`."""
    return sorted(file.stem for file in _PACKAGE.glob("*.py") if b"\nSOURCE = Source(" in file.read_bytes())


def load_source(name: str) -> Source:
    """Import a source by its name.

    Args:
        name: Name of its file, e.g. ``pcam``.

    Raises:
        PathgenError: There is no such source.
    """
    if name not in source_names():
        raise PathgenError(f"source {name}", "no such source", f"Choose from {', '.join(source_names())}")
    source: Source = importlib.import_module(f"pathgen.sources.{name}").SOURCE
    return source


def load_cohort_settings(path: Path = PARAMS_FILE) -> CohortSettings:
    """Read and check the section `cohort` of a params file, see `parse_cohort`."""
    return parse_cohort(read_params(path), path)


def parse_cohort(params: Mapping[str, Any], path: Path = PARAMS_FILE) -> CohortSettings:
    """Check the section `cohort`, including the sub-section of its source.

    Args:
        params: Content of the params file.
        path: Path of the file, for messages.

    Raises:
        PathgenErrors: One error per problem.
    """
    problems: list[PathgenError] = []

    def parsed(part: Mapping[str, Any], name: str, model: type[S]) -> S | None:
        try:
            return parse_section(part, name, model, path)
        except PathgenErrors as found:
            problems.extend(found.errors)
            return None

    def wrong(key: str, reason: str, hint: str) -> None:
        problems.append(PathgenError(f"{path}: cohort.{key}", reason, hint))

    settings = parsed(params, "cohort", CohortSettings)
    section = params["cohort"] if isinstance(params.get("cohort"), Mapping) else {}
    name = section.get("source")
    if name in source_names():
        source = load_source(name)
        for key in sorted(set(section) - set(CohortSettings.model_fields) - {name}):
            wrong(key, f"is not a setting of the source {name}", "Remove it")
        if source.makes_data and section.get("root") is not None:
            wrong("root", f"is set, but the source {name} makes its own data", "Set it to null")
        if not source.makes_data and section.get("root") is None:
            hint = "Set it to the folder of the data"
            wrong("root", f"is null, but the source {name} reads a folder", hint)
        if source.settings is not None:
            part = f"cohort.{name}"
            parsed({part: section[name]} if name in section else {}, part, source.settings)
    elif isinstance(name, str):
        wrong("source", f"is {name!r}: no such source", f"Choose from {', '.join(source_names())}")
    if problems or settings is None:
        raise PathgenErrors(problems)
    return settings
