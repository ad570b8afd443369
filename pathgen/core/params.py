"""Read sections of params.yaml into their settings classes; report every problem at once, with its path."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import pydantic
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pathgen.core import layout
from pathgen.core.errors import PathgenError, PathgenErrors

PARAMS_FILE = layout.PARAMS


class Settings(pydantic.BaseModel):
    """Base class of settings: frozen, with strict types, without unknown keys."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


S = TypeVar("S", bound=Settings)


def _refuse_repetitions(values: list[Any]) -> list[Any]:
    if len({repr(value) for value in values}) != len(values):  # By text: 1 and True are two values.
        raise ValueError("holds a value twice")
    return values


#: Validator of a list without repeated values: ``Annotated[list[int], DISTINCT]``.
DISTINCT = pydantic.AfterValidator(_refuse_repetitions)


def read_params(path: Path = PARAMS_FILE) -> dict[str, Any]:
    """Read a params file as plain data, as YAML 1.2 like DVC.

    Args:
        path: The params file.

    Returns:
        Name of a section to its content.

    Raises:
        PathgenError: The file is missing, is not YAML, or is not a mapping.
    """
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PathgenError(path, "no such file", "Write one with `pathgen params NAME`") from None
    except (YAMLError, UnicodeDecodeError) as problem:
        raise PathgenError(path, f"not readable as YAML: {problem}", "Correct the line") from None
    if not isinstance(content, dict):
        raise PathgenError(path, "is not a mapping of sections", "Write one with `pathgen params NAME`")
    return content


def parse_section(params: Mapping[str, Any], section: str, model: type[S], path: Path = PARAMS_FILE) -> S:
    """Check one section against its settings class.

    Args:
        params: Content of the params file.
        section: Name of the section.
        model: Settings class of the section.
        path: Name of the file, for messages.

    Returns:
        The settings.

    Raises:
        PathgenErrors: One error per problem, each with path, value and what is allowed.
    """
    if section not in params:
        raise PathgenErrors(
            [PathgenError(f"{path}: {section}", "section is missing", "Add it, see profiles/")]
        )
    try:
        return model.model_validate(params[section] if params[section] is not None else {})
    except pydantic.ValidationError as failure:
        problems = []
        for problem in failure.errors(include_url=False):
            where = ".".join([section, *map(str, problem["loc"])])
            missing = problem["type"] == "missing"
            reason = "is missing" if missing else f"is {problem['input']!r}: {problem['msg']}"
            problems.append(PathgenError(f"{path}: {where}", reason, "Correct the value"))
        raise PathgenErrors(problems) from None


def load_section(section: str, model: type[S], path: Path = PARAMS_FILE) -> S:
    """Read and check one section of a params file (see `parse_section`)."""
    return parse_section(read_params(path), section, model, path)
