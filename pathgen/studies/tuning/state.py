"""What else than patches and generators the trials of a search depend on."""

from collections.abc import Iterator, Mapping
from typing import Any

from pathgen.provenance.params_hash import code_of_stage, setting
from pathgen.studies.tuning.overrides import changed_by, field_value
from pathgen.studies.tuning.settings import TuningSettings


def state_names(params: Mapping[str, Any], settings: TuningSettings) -> list[str]:
    """Return the names, of `pathgen.provenance.params_hash`, of settings and of code that trains and draws.

    Not what is searched: to go on with the best, params.yaml takes it over, and the search stays what it
    was. Nor networks, which may be searched, nor the code of the stage itself, of which most words results
    and draws plots: trials are trained by the code of `train_classifier`.

    Args:
        params: The whole params file, plain.
        settings: The search.

    Raises:
        PathgenError: The classifier has no recipe.
    """
    searched = {name for dimension in settings.space for name in changed_by(dimension)}
    recipe = f"train_classifier.classifiers.{settings.classifier}"
    parts = (recipe, "train_classifier.regimes", "synthesise", "compute")
    paths = [path for part in parts for path in _leaves(field_value(params, part), part)]
    return [
        *(setting(path) for path in ("tuning", *(path for path in paths if path not in searched))),
        *(code_of_stage(script) for script in ("train_classifier", "synthesise")),
    ]


def _leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}")
    else:
        yield path
