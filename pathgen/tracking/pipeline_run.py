"""The run of the whole pipeline: from it one reaches every stage's run, also of cached stages."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import filelock

from pathgen.tracking.client import Store, open_store
from pathgen.tracking.dvc_api import open_project, stage_names
from pathgen.tracking.dvc_lock import locked_key, read_lock
from pathgen.tracking.mlflow_import import mlflow
from pathgen.tracking.resume import kill_stale_runs
from pathgen.tracking.run_tags import flatten, git_tags, version_tags

_SHORT = 8
_TRAINING = "workflowType=machine_learning"
_BATCH = 100


@dataclass(frozen=True)
class LinkedPipeline:
    """What `link_pipeline` found.

    Attributes:
        run_id: The pipeline's own run.
        experiment_id: The experiment of all these runs.
        pipeline: Identifies the pipeline: 32 hexadecimal digits.
        runs: Stage to the id of the run that made its outputs.
        without_run: Stages whose outputs no run in this store made (pulled from a remote, run elsewhere).
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
        """What to type into the search field of the UI to see this pipeline's runs only."""
        return f"tags.`{tag_of(self.pipeline)}` = 'yes'"

    def path(self, condition: str = "", *, view: str = "TABLE") -> str:
        """Return what to append to the UI's address to see this pipeline's runs.

        Args:
            condition: A further condition, e.g. ``tags.stage = 'train_classifier'``.
            view: ``TABLE``, or ``CHART`` for curves, bars and image grids side by side.

        Returns:
            ``#/experiments/...``; it also leaves the UI's mode for language models, in which it opens.
        """
        search = f"{self.search} and {condition}" if condition else self.search
        runs = f"#/experiments/{self.experiment_id}/runs?{_TRAINING}&searchFilter={quote(search)}"
        return runs if view == "TABLE" else f"{runs}&compareRunsMode={view}"


def pipeline_id(keys: Mapping[str, str]) -> str:
    """Identify a pipeline by its stages' names and `stage_key`s; 32 hexadecimal digits."""
    text = json.dumps(sorted(keys.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def tag_of(pipeline: str) -> str:
    """Return the tag that marks the runs of a pipeline.

    A run can belong to several pipelines - a cached stage does - but a tag has one value: so each
    pipeline has a tag of its own.
    """
    return f"pipeline.{pipeline[:_SHORT]}"


def _find_run(store: Store, condition: str) -> Any | None:
    found = store.client.search_runs(
        [store.experiment_id], condition, max_results=1, order_by=["attributes.start_time DESC"]
    )
    return found[0] if found else None


def _numbers(run: Any, key_metrics: Sequence[str]) -> str:
    metrics = run.data.metrics
    return ", ".join(f"{key} {metrics[key]:.4g}" for key in key_metrics if key in metrics)


def _row(store: Store, stage: str, run: Any, pipeline: str, key_metrics: Sequence[str]) -> str:
    made_by = run.data.tags.get("made_by_pipeline", pipeline)
    origin = "ran" if made_by == pipeline else f"from the cache (made by pipeline {made_by[:_SHORT]})"
    link = f"[{run.info.run_name}](#/experiments/{store.experiment_id}/runs/{run.info.run_id}?{_TRAINING})"
    return f"| {stage} | {link} | {origin} | {_numbers(run, key_metrics)} |"


def _note(rows: Sequence[str], linked: LinkedPipeline) -> str:
    table, charts = linked.path(), linked.path(view="CHART")
    lines = [f"[Runs of this pipeline]({table}), [charts]({charts}); search: `` {linked.search} ``", ""]
    lines += ["| stage | run | outputs | numbers |", "|---|---|---|---|", *rows]
    if linked.without_run:
        lines += [
            "",
            "No run in this store (outputs pulled, or made elsewhere): " + ", ".join(linked.without_run),
        ]
    if linked.not_run:
        lines += ["", "Not run yet: " + ", ".join(linked.not_run)]
    return "\n".join(lines)


def _parameters(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    # From dvc.lock, not from params.yaml, which may have been edited since.
    merged: dict[str, str] = {}
    for entry in entries.values():
        for values in entry.get("params", {}).values():
            merged.update(flatten(values))
    return dict(sorted(merged.items()))


def _mark(store: Store, run: Any, pipeline: str) -> None:
    tags = {tag_of(pipeline): "yes", "pipeline": pipeline}
    if "made_by_pipeline" not in run.data.tags:
        tags["made_by_pipeline"] = pipeline
    new = [item for item in tags.items() if run.data.tags.get(item[0]) != item[1]]
    if new:
        store.client.log_batch(run.info.run_id, tags=[mlflow.entities.RunTag(*item) for item in new])


def _record(
    store: Store,
    run: Any,
    tags: Mapping[str, str],
    parameters: Mapping[str, str],
    results: Mapping[str, float],
) -> None:
    client, run_id = store.client, run.info.run_id
    params = [mlflow.entities.Param(*item) for item in parameters.items() if item[0] not in run.data.params]
    for start in range(0, len(params), _BATCH):
        client.log_batch(run_id, params=params[start : start + _BATCH])
    client.log_batch(run_id, tags=[mlflow.entities.RunTag(*item) for item in tags.items()])
    for key, value in results.items():
        if run.data.metrics.get(key) != float(value):
            client.log_metric(run_id, key, float(value))
    if run.info.status != "FINISHED":
        client.set_terminated(run_id, status="FINISHED")


def link_pipeline(
    root: Path,
    *,
    experiment: str = "pathgen",
    results: Mapping[str, float] | None = None,
    attachments: Sequence[Path] = (),
    key_metrics: Sequence[str] = (),
) -> LinkedPipeline:
    """Find or create the run of the pipeline that dvc.lock describes, and tie every stage's run to it.

    Called again for the same dvc.lock it brings that same run up to date.

    Args:
        root: The folder of dvc.yaml and dvc.lock.
        experiment: Name of the MLflow experiment.
        results: Final numbers, recorded as metrics of the pipeline's run.
        attachments: Files to attach to it; those that do not exist are left out.
        key_metrics: Metrics of the stages to show in the overview.

    Returns:
        What was found.

    Raises:
        PathgenError: There is no DVC project, or the tracking store cannot be used.
    """
    store = open_store(experiment)
    with open_project(root) as project:
        names = stage_names(project)
    lock = read_lock(root)
    # dvc.lock keeps entries of stages that dvc.yaml no longer has.
    entries = {name: lock[name] for name in names if name in lock}
    keys = {name: locked_key(entry) for name, entry in entries.items()}
    pipeline = pipeline_id(keys)
    with filelock.FileLock(store.work / "pipeline.lock"):
        kill_stale_runs(store)
        made = {
            name: _find_run(store, f"tags.stage_key = '{key}' and attributes.status = 'FINISHED'")
            for name, key in keys.items()
        }
        own = _find_run(store, f"tags.stage = 'pipeline' and tags.pipeline = '{pipeline}'")
        base = {"stage": "pipeline", "pipeline": pipeline, tag_of(pipeline): "yes"}
        if own is None:
            own = store.client.create_run(
                store.experiment_id, tags=base, run_name=f"pipeline {pipeline[:_SHORT]}"
            )
        linked = LinkedPipeline(
            run_id=own.info.run_id,
            experiment_id=store.experiment_id,
            pipeline=pipeline,
            runs={name: run.info.run_id for name, run in made.items() if run is not None},
            without_run=[name for name, run in made.items() if run is None],
            not_run=[name for name in names if name not in lock],
        )
        rows = [
            _row(store, name, run, pipeline, key_metrics) for name, run in made.items() if run is not None
        ]
        for run in made.values():
            if run is not None:
                _mark(store, run, pipeline)
        tags = {**base, **version_tags(), **git_tags(root), "mlflow.note.content": _note(rows, linked)}
        _record(store, own, tags, _parameters(entries), results or {})
        for path in attachments:
            if path.is_file():
                store.client.log_artifact(own.info.run_id, str(path))
    return linked
