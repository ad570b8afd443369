"""Read one section of params.yaml into its settings class; say every problem at once, with its path."""

import copy
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pydantic
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pathgen.core.errors import PathgenError, PathgenErrors

PARAMS_FILE = Path("params.yaml")


class Settings(pydantic.BaseModel):
    """Base of every section: frozen, strict types, unknown keys refused."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


S = TypeVar("S", bound=Settings)


def read_params(path: Path = PARAMS_FILE) -> dict[str, Any]:
    """Read a params file as plain data, by YAML 1.2 as DVC does.

    Args:
        path: The file.

    Returns:
        Section name to its plain content.

    Raises:
        PathgenError: The file is missing, is not YAML, or is not a mapping.
    """
    try:
        # A copy: what is read again and again in one process is parsed once, whoever changes what it got.
        content = copy.deepcopy(_parsed(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise PathgenError(path, "no such file", "Write one with `pathgen params NAME`") from None
    except (YAMLError, UnicodeDecodeError) as problem:
        raise PathgenError(path, f"not readable as YAML: {problem}", "Mend the line it names") from None
    if not isinstance(content, dict):
        raise PathgenError(path, "holds no sections", "Write one with `pathgen params NAME`")
    return content


@lru_cache(maxsize=8)
def _parsed(text: str) -> Any:
    return YAML(typ="safe").load(text)


def _described(section: str, problem: Any) -> tuple[str, str]:
    where = ".".join([section, *(str(part) for part in problem["loc"])])
    if problem["type"] == "missing":
        return where, "is missing"
    given = problem["input"]
    return where, f"is {given!r}: {problem['msg']}"


def parse_section(params: dict[str, Any], section: str, model: type[S], path: Path = PARAMS_FILE) -> S:
    """Check one section against its settings class.

    Args:
        params: The whole params file.
        section: Name of the section.
        model: The settings class that lives beside the code it configures.
        path: The file's name, for messages.

    Returns:
        The checked, frozen settings.

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
            where, reason = _described(section, problem)
            problems.append(PathgenError(f"{path}: {where}", reason, "Correct the value"))
        raise PathgenErrors(problems) from None


def load_section(section: str, model: type[S], path: Path = PARAMS_FILE) -> S:
    """Read and check one section of a params file (see `parse_section`)."""
    return parse_section(read_params(path), section, model, path)
