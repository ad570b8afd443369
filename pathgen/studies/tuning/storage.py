"""Optuna's storage, which any number of processes share."""

import os
import warnings
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from sqlalchemy.exc import SQLAlchemyError

from pathgen.core.errors import PathgenError
from pathgen.studies.tuning.settings import TuningWorkSettings

#: Environment variable that overrides `tuning_work.storage`, so that no password need be written there.
STORAGE_VARIABLE = "PATHGEN_TUNING_STORAGE"
_SQLITE_TIMEOUT_S = 60


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
    except ModuleNotFoundError as missing:
        raise PathgenError(
            "tuning_work.storage",
            f"its driver {missing.name} is not installed",
            f"Run pip install {missing.name}",
        ) from None
    except (SQLAlchemyError, OSError, ValueError, ImportError, RuntimeError) as problem:
        # Only the type of the error where its text may contain the address and its password.
        reason = type(problem).__name__ if "://" in str(problem) else str(problem).split("\n")[0]
        raise PathgenError(
            "tuning_work.storage",
            f"cannot be opened: {reason}",
            "Correct it, start the database, or remove the SQLite file in work/tuning",
        ) from None


def open_study(
    storage: RDBStorage, name: str, *, create: bool = False, pruner: optuna.pruners.BasePruner | None = None
) -> optuna.Study:
    """Open a study by its name.

    Args:
        storage: Optuna's storage.
        name: Name of the study, see `study_name`.
        create: Whether to create it if it does not exist.
        pruner: Pruner of this process.

    Returns:
        The study; it maximises.

    Raises:
        PathgenError: The study does not exist and `create` is false.
    """
    if create:
        return optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True, pruner=pruner
        )
    try:
        return optuna.load_study(storage=storage, study_name=name, pruner=pruner)
    except KeyError:
        known = ", ".join(sorted(optuna.get_all_study_names(storage))) or "none"
        raise PathgenError(
            f"study {name}",
            f"is not in the storage (studies there: {known}). Its name depends on settings, data, code and "
            "versions of libraries",
            "Start the search first, or use the same settings, data and code on this machine",
        ) from None
