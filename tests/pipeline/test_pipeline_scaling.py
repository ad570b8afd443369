"""The scaling study on the tiny study: every point is computed once."""

import json

import pytest
from factories.tiny_study import Study, ran

from pathgen.tracking.mlflow_import import mlflow

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
COMMAND = ("python", "-m", "stages.scaling")


def points_in_mlflow(study: Study) -> list[str]:
    """Return the names of the points' runs; every one is nested under a run of the study."""
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{study.root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("pathgen")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    parents = {run.info.run_id for run in runs if run.data.tags.get("stage") == "scaling"}
    points = [run.data.tags for run in runs if run.data.tags.get("stage") == "scaling_point"]
    assert {tags["mlflow.parentRunId"] for tags in points} <= parents
    return sorted(
        "-".join(tags[name] for name in ("source", "size", "classifier", "seed")) for tags in points
    )


def test_scaling_size_added_later_computes_only_its_points(copy: Study) -> None:
    copy.run(*COMMAND)
    folder = copy.root / "results/scaling"
    points = {f"original-{size}-cnn6-{seed}" for size in (8, 48) for seed in (1, 2)}
    points |= {f"dcgan-{size}-cnn6-{seed}" for size in (8, 16, "unlimited") for seed in (1, 2)}
    first = {file.stem: file.read_bytes() for file in (folder / "points").glob("*.json")}
    assert first.keys() == points
    # 6 steps of 16 patches show 48 of each class.
    assert json.loads(first["dcgan-unlimited-cnn6-1"])["per_class"] == 48
    assert points_in_mlflow(copy) == sorted(points), "one run for each point"
    sampled = {file: file.read_bytes() for file in (copy.root / "work/synthetic").glob("*/rows.uint8")}
    assert len(sampled) == 2

    copy.set_params({"scaling.original_sizes": [8], "scaling.synthetic_sizes": [8, 16, 32, "unlimited"]})
    copy.run(*COMMAND)
    added = {f"dcgan-32-cnn6-{seed}" for seed in (1, 2)}
    kept = {name for name in points if not name.startswith("original-48")}
    later = {file.stem: file.read_bytes() for file in (folder / "points").glob("*.json")}
    assert later.keys() == kept | added
    assert {name: later[name] for name in kept} == {name: first[name] for name in kept}
    assert points_in_mlflow(copy) == sorted([*points, *added]), "only the new points were computed"
    assert all(file.read_bytes().startswith(rows) for file, rows in sampled.items()), "sampled again"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["sentences"] and summary["figures"]

    # The study itself is up to date: an optional study makes none of it run.
    assert set(ran(copy.repro())) <= {"check_params", "report"}
