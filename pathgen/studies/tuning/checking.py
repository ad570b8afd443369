"""What of a search space can be seen to be wrong before anything is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core.params import Settings, parse_section
from pathgen.errors import PathgenError, PathgenErrors
from pathgen.gan.settings import SynthesiseSettings
from pathgen.studies.tuning.fields import values_of, with_fields
from pathgen.studies.tuning.settings import TuningSettings

_SECTIONS: dict[str, type[Settings]] = {
    "train_classifier": TrainClassifierSettings,
    "synthesise": SynthesiseSettings,
}


def check_search(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> None:
    """Refuse a search that `search_problems` finds wrong.

    Raises:
        PathgenErrors: All that is wrong with it.
    """
    problems = search_problems(params, settings, path)
    if problems:
        raise PathgenErrors(problems)


def search_problems(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> list[PathgenError]:
    """Check a search against the rest of the params: every field exists, every end and choice is allowed.

    Args:
        params: The whole params file, plain, valid in itself.
        settings: Its section `tuning`.
        path: The file's name, for messages.

    Returns:
        One error per problem.
    """
    problems = []
    if settings.generator not in params["pipeline"]["generators"]:
        reason = f"is {settings.generator}, which pipeline.generators does not train"
        problems.append(PathgenError(f"{path}: tuning.generator", reason, "Name one of those"))
    if settings.classifier not in params["train_classifier"]["classifiers"]:
        reason = f"is {settings.classifier}, which train_classifier.classifiers does not describe"
        problems.append(PathgenError(f"{path}: tuning.classifier", reason, "Name one of those"))
    for dimension in settings.space:
        for value in dimension.extremes():
            section = dimension.field.split(".")[0]
            try:
                changed = with_fields(params, values_of({dimension.field: value}, [dimension]))
                parse_section(changed, section, _SECTIONS[section], path)
            except PathgenErrors as found:
                problems += [
                    PathgenError(f"{path}: tuning.space", f"{value} leads to {error}", "Leave it out")
                    for error in found.errors
                ]
            except PathgenError as problem:
                problems.append(problem)
                break
    return problems
