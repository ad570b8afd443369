"""A run above the runs of many stages: found by what they share, as no process outlives them all."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from pathgen.tracking.client import Store, open_store
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.run_tags import version_tags

_PARENT = "mlflow.parentRunId"
_KEY_DIGITS = 32


@dataclass(frozen=True)
class Parent:
    """The run that stages are nested under.

    Attributes:
        run_id: MLflow's id of it.
        store: Where it is.
    """

    run_id: str
    store: Store

    def conclude(self, metrics: Mapping[str, float], attachments: list[Path], note: str) -> None:
        """Record what all the stages together have found; replaces what an earlier call recorded.

        Args:
            metrics: Metric key to number.
            attachments: Files to attach.
            note: Markdown, shown as the run's description.
        """
        client = self.store.client
        there = client.get_run(self.run_id).data.metrics
        for key, value in metrics.items():
            if there.get(key) != float(value):
                client.log_metric(self.run_id, key, float(value))
        client.set_tag(self.run_id, "mlflow.note.content", note)
        for path in attachments:
            client.log_artifact(self.run_id, str(path))


def nest_under(run: MlflowLogger, kind: str, shared: Mapping[str, Any], *, experiment: str) -> Parent:
    """Nest a stage's run under the one run of its experiment; create that if this stage is the first.

    Each stage is a process of its own, and DVC may run a part of them today and others next week: the parent
    is found by what they share.

    Args:
        run: The stage's run.
        kind: What the stages are parts of, e.g. ``scaling``; the parent's tag ``stage``.
        shared: Plain data that is equal for all of them and for no others.
        experiment: Name of the MLflow experiment.

    Returns:
        The parent.

    Raises:
        PathgenError: The tracking store cannot be used.
    """
    store = open_store(experiment)
    text = json.dumps(shared, sort_keys=True, default=str)
    key = hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]
    # Two first stages at once would make two parents.
    with filelock.FileLock(store.work / "parent.lock"):
        found = store.client.search_runs(
            [store.experiment_id], f"tags.stage = '{kind}' and tags.shared = '{key}'", max_results=1
        )
        if found:
            parent_id = found[0].info.run_id
        else:
            tags = {"stage": kind, "shared": key, **version_tags()}
            parent_id = store.client.create_run(
                store.experiment_id, tags=tags, run_name=f"{kind} {key[:8]}"
            ).info.run_id
            store.client.log_text(parent_id, json.dumps(shared, indent=2, default=str), "shared.json")
            # It is never at work itself, and so never left RUNNING by a kill.
            store.client.set_terminated(parent_id, status="FINISHED")
    run.tag(_PARENT, parent_id)
    return Parent(str(parent_id), store)
