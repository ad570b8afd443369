"""What every stage does around its one call: a look at its code, a lock, a run, a folder to resume from."""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pathgen.core import layout
from pathgen.core.files import exclusive
from pathgen.core.params import Settings, load_section
from pathgen.provenance.code_hash import load_unchanged
from pathgen.tracking.dvc_api import running_stage
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.run import tracked_stage
from pathgen.tracking.settings import TrackingSettings


@dataclass(frozen=True)
class Stage:
    """A running stage.

    Attributes:
        run: Its MLflow run.
        resume_folder: Where it may keep snapshots; named after all that shapes its result, removed when
            the stage has ended well.
    """

    run: MlflowLogger
    resume_folder: Path


@contextmanager
def running(
    verb: str,
    *,
    settings: Mapping[str, Settings | Mapping[str, object]],
    inputs: Sequence[Path] = (),
    item: Mapping[str, str | int] | None = None,
    classifiers: Sequence[str] = (),
    trains: bool = False,
) -> Iterator[Stage]:
    """Hold the stage's lock and its tracking run while it works.

    Args:
        verb: The stage, e.g. ``train_gan``.
        settings: Sections of params.yaml that it uses, by name; of a section it uses in part, that part.
        inputs: Data it reads; each is recorded with DVC's hash.
        item: What tells it from its siblings in a matrix: generator, label, regime, classifier, seed.
        classifiers: Those whose networks it loads, which is done by name.
        trains: Whether processor and memory are sampled while it works.

    Yields:
        The stage.

    Raises:
        PathgenError: Its code is not the one that it depends on, another process does the same work, or the
            tracking store cannot be used.
    """
    item = item or {}
    if running_stage() is not None:
        names = [Path(sys.argv[0]).stem, *(f"classifiers/{name}" for name in classifiers)]
        for name in names:
            load_unchanged(layout.CODE / f"{name}.json")
    name = "-".join([verb, *(str(value) for value in item.values())])
    tracking = load_section("tracking", TrackingSettings)
    with (
        exclusive(layout.LOCKS / f"{name}.lock", f"stage {name}"),
        tracked_stage(
            verb,
            parameters={
                section: values.model_dump() if isinstance(values, Settings) else values
                for section, values in settings.items()
            },
            tags=item,
            inputs=inputs,
            run_name=" ".join([verb, *(str(value) for value in item.values())]),
            experiment=tracking.experiment,
            system_metrics_interval_s=(
                tracking.system_metrics_interval_s if trains and tracking.system_metrics else None
            ),
        ) as run,
    ):
        attempts = layout.RESUME / name
        yield Stage(run, attempts / run.work_key[:16])
        # Snapshots of this result, and those that attempts with other settings have left.
        shutil.rmtree(attempts, ignore_errors=True)
