"""The base of all records: a frozen model that is read from and written to one JSON file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeAlias

import pydantic

from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json

#: A number as JSON has it. Integers stay integers, so that a file that is read and written again is the same.
Number: TypeAlias = int | float

_HINT = "Run `dvc repro` again, or restore the file with `dvc checkout`"


class Record(pydantic.BaseModel):
    """A JSON object with known keys.

    A field that has never been set is absent from the file; a field set to None is ``null`` there.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a record.

        Args:
            path: JSON file.

        Returns:
            The record.

        Raises:
            PathgenError: The file is missing, is not JSON, or its content does not fit the record.
        """
        try:
            return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise PathgenError(path, "no such file", _HINT) from None
        except pydantic.ValidationError as problems:
            raise PathgenError(path, _first(problems), _HINT) from None
        except (json.JSONDecodeError, UnicodeDecodeError) as problem:
            raise PathgenError(path, f"not readable as JSON: {problem}", _HINT) from None

    @classmethod
    def load_if_exists(cls, path: Path) -> Self | None:
        """Read a record as `load` does, or return None when there is no such file."""
        return cls.load(path) if path.exists() else None

    def as_json(self) -> dict[str, Any]:
        """Return the content of the file as plain data, without the fields that were never set."""
        return self.model_dump(exclude_unset=True)

    def save(self, path: Path) -> None:
        """Write the record as indented JSON with sorted keys, atomically.

        Args:
            path: JSON file.
        """
        write_json(path, self.as_json())


class MetricValues(Record):
    """Metrics by name on the top level of the file, next to the fields that are declared.

    ``report/tradeoff.json`` holds nothing else.
    """

    model_config = pydantic.ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Number | None]

    @property
    def metrics(self) -> Mapping[str, Number | None]:
        """Metric name to value; undefined metrics are absent."""
        return self.__pydantic_extra__ or {}


def _first(problems: pydantic.ValidationError) -> str:
    """Describe the first of the problems by the path of its key."""
    first, *others = problems.errors()
    where = ".".join(str(part) for part in first["loc"]) or "content"
    more = f" (and {len(others)} more)" if others else ""
    return f"{where}: {first['msg']}{more}"
