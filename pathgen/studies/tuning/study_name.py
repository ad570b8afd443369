"""Inputs of a search, and the name of its Optuna study, which is made from them."""

from collections.abc import Iterator, Mapping
from typing import Any

from pathgen.core.params import PARAMS_FILE
from pathgen.provenance.cache_key import CacheKey, library_versions
from pathgen.provenance.code_hash import PLUGINS, code_manifest
from pathgen.studies.tuning.overrides import changed_by, field_value, tried_values
from pathgen.studies.tuning.settings import TuningSettings

_OBJECTIVE = "pathgen.studies.tuning.objective"


def input_names(params: Mapping[str, Any], settings: TuningSettings) -> list[str]:
    """Return the names, as in `pathgen.provenance.made_from`, of the settings and code that shape a trial.

    Fields that are searched are not among them: params.yaml may take over the best values, and the search
    stays valid. Nor is the number of trials, which may be raised.

    Args:
        params: Content of params.yaml.
        settings: Section ``tuning``.

    Raises:
        PathgenError: The classifier has no recipe.
    """
    searched = {name for dimension in settings.space for name in changed_by(dimension)} | {"tuning.trials"}
    recipe = f"train_classifier.classifiers.{settings.classifier}"
    parts = ("tuning", recipe, "train_classifier.regimes", "synthesise", "compute")
    paths = [path for part in parts for path in _leaves(field_value(params, part), part)]
    return [
        *(f"{PARAMS_FILE}: {path}" for path in paths if path not in searched),
        "code of train_classifier",
        "code of synthesise",
    ]


def _leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(part, f"{path}.{name}")
    else:
        yield path


def study_name(
    params: Mapping[str, Any], settings: TuningSettings, made_from: Mapping[str, str], device: str
) -> str:
    """Return the name of the Optuna study: trials of other inputs belong to another study.

    Args:
        params: Content of params.yaml.
        settings: Section ``tuning``.
        made_from: Hash of each input, see `pathgen.provenance.made_from`.
        device: Type of the device, e.g. ``cpu``.

    Returns:
        Classifier, regime and twelve hexadecimal digits.
    """
    field = f"train_classifier.classifiers.{settings.classifier}.network"
    networks = tried_values(params, settings.space, field)
    key = CacheKey(
        settings={"device": device},
        inputs=made_from,
        code=code_manifest(_OBJECTIVE, *(f"{PLUGINS['classifiers']}.{name}" for name in networks)),
        libraries=library_versions("torch", "optuna"),
    )
    return f"{settings.classifier}-{settings.regime}-{key.digest[:12]}"
