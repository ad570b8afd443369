"""The run of the whole pipeline: it links the runs of all stages, also of cached ones."""

import hashlib
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import filelock

from pathgen.core import layout
from pathgen.tracking.client import Store, open_store, store_errors
from pathgen.tracking.dvc_api import locked_key, open_project, read_lock, stage_names
from pathgen.tracking.mlflow_import import mlflow
from pathgen.tracking.run_tags import LONG_PARAMETERS, fitting, flatten, git_tags, version_tags

_SHORT = 8
# MLflow would cut a longer note without a mark.
_NOTE_CHARS = 8000
_NAMED = 10
_MORE = "| and {:,} more stages, see the runs of this pipeline | | | |"
_TRAINING = "workflowType=machine_learning"


@dataclass(frozen=True)
class LinkedPipeline:
    """Runs of a pipeline.

    Attributes:
        run_id: MLflow's id of the pipeline's own run.
        experiment_id: Experiment of all these runs.
        pipeline: Identifier of the pipeline, 32 hexadecimal digits.
        runs: Stage to the id of the run that made its outputs.
        without_run: Stages without a run in this store (outputs pulled from a remote, or made elsewhere).
        not_run: Stages of dvc.yaml that have not run yet.
    """

    run_id: str
    experiment_id: str
    pipeline: str
    runs: Mapping[str, str]
    without_run: Sequence[str]
    not_run: Sequence[str]

    @property
    def search(self) -> str:
        """Search expression of the UI for this pipeline's runs."""
        return f"tags.`{_tag_of(self.pipeline)}` = 'yes'"

    def path(self, *, view: str = "TABLE") -> str:
        """Return the part of the UI's address that shows this pipeline's runs, ``#/experiments/...``.

        It also leaves the UI's mode for language models, which is the first shown.

        Args:
            view: ``TABLE``, or ``CHART`` for curves, bars and image grids.
        """
        runs = f"#/experiments/{self.experiment_id}/runs?{_TRAINING}&searchFilter={quote(self.search)}"
        return runs if view == "TABLE" else f"{runs}&compareRunsMode={view}"


def pipeline_id(keys: Mapping[str, str]) -> str:
    """Identify a pipeline by the names and `stage_key`s of its stages; 32 hexadecimal digits."""
    text = json.dumps(sorted(keys.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _tag_of(pipeline: str) -> str:
    """Return the tag of a pipeline's runs; each pipeline has its own, as a cached run belongs to several."""
    return f"pipeline.{pipeline[:_SHORT]}"


def link_pipeline(
    root: Path,
    *,
    results: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    attachments: Sequence[Path] = (),
    key_metrics: Sequence[str] = (),
) -> LinkedPipeline:
    """Find or create the run of the pipeline that dvc.lock describes, and link every stage's run to it.

    A second call for the same dvc.lock updates the same run.

    Args:
        root: Folder of dvc.yaml and dvc.lock.
        results: Headline numbers, logged as metrics of the pipeline's run.
        tags: Further tags of the pipeline's run.
        attachments: Files to log as artifacts; missing ones are left out.
        key_metrics: Metrics of the stages to show in the overview.

    Returns:
        The linked runs.

    Raises:
        PathgenError: There is no DVC project, or the tracking store cannot be used.
    """
    store = open_store()
    with open_project(root) as project:
        names = stage_names(project)
    parts = (results or {}, tags or {}, attachments, key_metrics)
    return _link(store, root, names, read_lock(root), *parts)


@store_errors()
def _link(
    store: Store,
    root: Path,
    names: Sequence[str],
    lock: Mapping[str, Any],
    results: Mapping[str, float],
    tags: Mapping[str, str],
    attachments: Sequence[Path],
    key_metrics: Sequence[str],
) -> LinkedPipeline:
    # dvc.lock keeps entries of stages that dvc.yaml no longer has.
    entries = {name: lock[name] for name in names if name in lock}
    keys = {name: locked_key(entry) for name, entry in entries.items()}
    pipeline = pipeline_id(keys)
    made = {
        name: store.last_run(f"tags.stage_key = '{key}' and attributes.status = 'FINISHED'")
        for name, key in keys.items()
    }
    runs = {name: run for name, run in made.items() if run is not None}
    base = {"stage": "pipeline", "pipeline": pipeline, _tag_of(pipeline): "yes"}
    # Of two summaries at the same time, one makes the run and the other finds it.
    with filelock.FileLock(store.location.root / layout.TRACKING_WORK / "pipeline.lock"):
        own = store.last_run(f"tags.stage = 'pipeline' and tags.pipeline = '{pipeline}'")
        if own is None:
            name = f"pipeline {pipeline[:_SHORT]}"
            own = store.client.create_run(store.experiment_id, tags=base, run_name=name)
    linked = LinkedPipeline(
        run_id=own.info.run_id,
        experiment_id=store.experiment_id,
        pipeline=pipeline,
        runs={name: run.info.run_id for name, run in runs.items()},
        without_run=[name for name, run in made.items() if run is None],
        not_run=[name for name in names if name not in lock],
    )
    rows = []
    for name, run in runs.items():
        nested = store.client.search_runs(
            [store.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
        )
        for marked in (run, *nested):
            _mark(store, marked, pipeline)
        # Not the nested runs, for which a note has no room.
        rows.append(_row(store, name, run, pipeline, key_metrics))
    own_tags = {**base, **version_tags(), **git_tags(root), "mlflow.note.content": _note(rows, linked)}
    shown, whole = fitting(_parameters(entries))
    entities, now_ms = mlflow.entities, int(time.time() * 1000)
    changed = {key: value for key, value in results.items() if own.data.metrics.get(key) != value}
    store.client.log_batch(
        linked.run_id,
        metrics=[entities.Metric(key, float(value), now_ms, 0) for key, value in changed.items()],
        params=[entities.Param(*item) for item in shown.items()],
        tags=[entities.RunTag(*item) for item in {**tags, **own_tags}.items()],
    )
    if whole:
        store.client.log_text(linked.run_id, json.dumps(whole, indent=1), LONG_PARAMETERS)
    store.client.set_terminated(linked.run_id, status="FINISHED")
    for path in attachments:
        if path.is_file():
            store.client.log_artifact(linked.run_id, str(path))
    return linked


def _mark(store: Store, run: Any, pipeline: str) -> None:
    made_by = run.data.tags.get("made_by_pipeline", pipeline)
    tags = {_tag_of(pipeline): "yes", "pipeline": pipeline, "made_by_pipeline": made_by}
    store.client.log_batch(run.info.run_id, tags=[mlflow.entities.RunTag(*item) for item in tags.items()])


def _row(store: Store, stage: str, run: Any, pipeline: str, key_metrics: Sequence[str]) -> str:
    made_by = run.data.tags.get("made_by_pipeline", pipeline)
    origin = "ran" if made_by == pipeline else f"from the cache (made by pipeline {made_by[:_SHORT]})"
    link = f"[{run.info.run_name}](#/experiments/{store.experiment_id}/runs/{run.info.run_id}?{_TRAINING})"
    metrics = run.data.metrics
    numbers = ", ".join(f"{key} {metrics[key]:.4g}" for key in key_metrics if key in metrics)
    return f"| {stage} | {link} | {origin} | {numbers} |"


def _note(rows: Sequence[str], linked: LinkedPipeline) -> str:
    table, charts = linked.path(), linked.path(view="CHART")
    head = [f"[Runs of this pipeline]({table}), [charts]({charts}); search: `` {linked.search} ``", ""]
    head += ["| stage | run | outputs | numbers |", "|---|---|---|---|"]
    tail = []
    if linked.without_run:
        tail += ["", f"No run in this store (outputs pulled or made elsewhere): {_names(linked.without_run)}"]
    if linked.not_run:
        tail += ["", f"Not run yet: {_names(linked.not_run)}"]
    room = _NOTE_CHARS - sum(len(line) + 1 for line in [*head, *tail, _MORE])
    ends = itertools.accumulate(len(row) + 1 for row in rows)
    shown = [row for row, end in zip(rows, ends, strict=True) if end <= room]
    more = [] if len(shown) == len(rows) else [_MORE.format(len(rows) - len(shown))]
    return "\n".join([*head, *shown, *more, *tail])


def _names(stages: Sequence[str]) -> str:
    more = f" and {len(stages) - _NAMED} more" if len(stages) > _NAMED else ""
    return ", ".join(stages[:_NAMED]) + more


def _parameters(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    # From dvc.lock, not from params.yaml, which may have been edited since.
    merged: dict[str, str] = {}
    for entry in entries.values():
        for values in entry.get("params", {}).values():
            merged.update(flatten(values))
    return dict(sorted(merged.items()))
