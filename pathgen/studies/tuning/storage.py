"""Optuna's storage, which any number of processes share, and the name of a study in it."""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from sqlalchemy.exc import SQLAlchemyError

from pathgen.core.errors import PathgenError
from pathgen.core.params import PARAMS_FILE
from pathgen.core.store_failures import explain
from pathgen.provenance.cache_key import CacheKey, library_versions
from pathgen.provenance.code_hash import PLUGINS, code_manifest
from pathgen.studies.tuning.overrides import changed_by, field_value, tried_values
from pathgen.studies.tuning.settings import TuningSettings, TuningWorkSettings

#: Environment variable that overrides `tuning_work.storage`, so that no password need be written there.
STORAGE_VARIABLE = "PATHGEN_TUNING_STORAGE"
_SQLITE_TIMEOUT_S = 60
_OBJECTIVE = "pathgen.studies.tuning.objective"


def open_storage(settings: TuningWorkSettings, folder: Path) -> RDBStorage:
    """Open the storage; create the tables that are missing.

    A trial that has sent no heartbeat for `grace_period_s` counts as failed and is queued again.

    Args:
        settings: Section ``tuning_work``.
        folder: Folder of the SQLite file.

    Returns:
        The storage.

    Raises:
        PathgenError: The storage cannot be used.
    """
    url = os.environ.get(STORAGE_VARIABLE) or settings.storage
    options: dict[str, Any] = {"pool_pre_ping": True}
    if url == "sqlite":
        folder.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{(folder / 'study.db').resolve()}"
        options = {"connect_args": {"timeout": _SQLITE_TIMEOUT_S}}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return RDBStorage(
                url,
                engine_kwargs=options,
                heartbeat_interval=settings.heartbeat_interval_s,
                grace_period=settings.grace_period_s,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(settings.max_retry),
            )
    except (SQLAlchemyError, OSError, ValueError, ImportError, RuntimeError) as problem:
        reason, hint = explain(problem, "Correct it, or start the database")
        # Only the type of the error: its text may contain the address and its password.
        reason = type(problem).__name__ if "://" in reason else reason
        raise PathgenError("tuning_work.storage", f"cannot be opened: {reason}", hint) from None


def create_study(storage: RDBStorage, name: str) -> optuna.Study:
    """Create a study that maximises, or load it if it exists."""
    return optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)


def load_study(storage: RDBStorage, name: str) -> optuna.Study:
    """Load the study of a name that `study_name` made.

    Raises:
        PathgenError: There is no such study.
    """
    try:
        return optuna.load_study(storage=storage, study_name=name)
    except KeyError:
        known = ", ".join(sorted(optuna.get_all_study_names(storage))) or "none"
        raise PathgenError(
            f"study {name}",
            f"is not in the storage (studies there: {known}). Its name depends on settings, data, code and "
            "versions of libraries",
            "Start the search first, or use the same settings, data and code on this machine",
        ) from None


def input_names(params: Mapping[str, Any], settings: TuningSettings) -> list[str]:
    """Return the names, as in `pathgen.provenance.made_from`, of the settings and code that shape a trial.

    Fields that are searched are not among them: params.yaml may take over the best values, and the search
    stays valid. Nor is the number of trials, which may be raised.

    Raises:
        PathgenError: The classifier has no recipe.
    """
    searched = {name for dimension in settings.space for name in changed_by(dimension)} | {"tuning.trials"}
    recipe = f"train_classifier.classifiers.{settings.classifier}"
    parts = ("tuning", recipe, "train_classifier.regimes", "synthesise", "compute")
    paths = pd.json_normalize({part: field_value(params, part) for part in parts}, sep=".").columns
    return [
        *(f"{PARAMS_FILE}: {path}" for path in paths if path not in searched),
        "code of train_classifier",
        "code of synthesise",
    ]


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
