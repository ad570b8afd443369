"""Where trials are kept, so that any number of processes can share a study."""

import os
from pathlib import Path
from typing import Any

import filelock
import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from sqlalchemy.exc import SQLAlchemyError

from pathgen.core.errors import PathgenError

#: Names a storage in place of the settings, so that a password need not be written there.
ADDRESS_VARIABLE = "PATHGEN_TUNING_STORAGE"
_SQLITE_WAIT_S = 60
_LOCK_WAIT_S = 120

# Each start and end of a trial is told by the stage itself.
optuna.logging.set_verbosity(optuna.logging.WARNING)


class _MendingLock(JournalFileSymlinkLock):
    """Optuna's lock of a journal; who holds it finds a journal that ends with a whole line.

    A writer that is killed, or whose disk is full, leaves half a line. Optuna would append to it, and no
    process could read the journal any more.
    """

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self._file = Path(file)

    def acquire(self) -> bool:
        acquired = super().acquire()
        try:
            _cut_half_line(self._file)
        except BaseException:
            self.release()
            raise
        return acquired


def _cut_half_line(file: Path) -> None:
    with file.open("r+b") as stream:
        size = end = stream.seek(0, os.SEEK_END)
        while end > 0:
            stream.seek(end - 1)
            if stream.read(1) == b"\n":
                break
            end -= 1
        if end < size:
            stream.truncate(end)


def open_storage(address: str, folder: Path) -> BaseStorage:
    """Open the storage, creating what is missing.

    Args:
        address: ``sqlite``, ``journal:PATH`` or the URL of a database; the environment's wins.
        folder: Where the file of ``sqlite`` lies, and the lock.

    Returns:
        The storage.

    Raises:
        PathgenError: It cannot be used.
    """
    address = os.environ.get(ADDRESS_VARIABLE) or address
    folder.mkdir(parents=True, exist_ok=True)
    subject = "tuning_work.storage"
    try:
        # Of several processes that create one SQLite file at the same time, all but one would fail.
        with filelock.FileLock(folder / "storage.lock", timeout=_LOCK_WAIT_S):
            if address.startswith("journal:"):
                file = Path(address.removeprefix("journal:"))
                subject = str(file)
                file.parent.mkdir(parents=True, exist_ok=True)
                return JournalStorage(JournalFileBackend(str(file), lock_obj=_MendingLock(str(file))))
            options: dict[str, Any] = {"pool_pre_ping": True}
            if address == "sqlite":
                subject = str(folder / "study.db")
                address = f"sqlite:///{(folder / 'study.db').resolve()}"
                options = {"connect_args": {"timeout": _SQLITE_WAIT_S}}
            return RDBStorage(address, engine_kwargs=options)
    except ModuleNotFoundError as missing:
        raise PathgenError(
            subject, f"its driver {missing.name} is not installed", f"pip install {missing.name}"
        ) from None
    except (SQLAlchemyError, OSError, ValueError, ImportError, RuntimeError) as problem:
        # The first line only, and of a database's address nothing: it may hold a password.
        reason = type(problem).__name__ if "://" in str(problem) else str(problem).split("\n")[0]
        raise PathgenError(
            subject,
            f"cannot be opened as the storage of a study: {reason}",
            "Correct tuning_work.storage, start the database, or move the file away",
        ) from None


def open_study(storage: BaseStorage, name: str, *, create: bool) -> optuna.Study:
    """Open a study by its name.

    Args:
        storage: See `open_storage`.
        name: The study's name, which stands for all that shapes its trials.
        create: Whether to create it where it is missing.

    Returns:
        The study; it maximises.

    Raises:
        PathgenError: There is no such study, and it shall not be created.
    """
    if create:
        return optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )
    try:
        return optuna.load_study(storage=storage, study_name=name)
    except KeyError:
        there = ", ".join(sorted(optuna.get_all_study_names(storage))) or "none"
        raise PathgenError(
            f"study {name}",
            f"is not in the storage (there: {there}). The name stands for settings, data, code and the "
            "version of torch",
            "Start the study there first, or make this checkout and its data equal to that one's",
        ) from None
