"""The scaling experiment on the tiny study: its own pipeline, and a size added later runs alone."""

import json

import pytest
from factories.tiny_study import Study, ran

from pathgen.tracking.mlflow_import import mlflow

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
FILE = "scaling/dvc.yaml"


def points_in_mlflow(study: Study) -> list[str]:
    """Return the names of the points' runs, after a look at whether all are under one parent."""
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{study.root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("pathgen")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    (parent,) = [run for run in runs if run.data.tags.get("stage") == "scaling"]
    points = [run.data.tags for run in runs if run.data.tags.get("stage") == "scaling_point"]
    assert {tags["mlflow.parentRunId"] for tags in points} == {parent.info.run_id}
    return sorted(
        "-".join(tags[name] for name in ("source", "size", "classifier", "seed")) for tags in points
    )


def test_a_size_added_later_runs_alone(copy: Study) -> None:
    stages = ran(copy.repro(FILE))
    points = {f"{FILE}:original@{size}-cnn6-{seed}" for size in (8, 48) for seed in (1, 2)}
    points |= {
        f"{FILE}:synthetic@dcgan-{size}-cnn6-{seed}" for size in (8, 16, "unlimited") for seed in (1, 2)
    }
    assert set(stages) == {*points, f"{FILE}:curve"}
    # 6 steps of 16 patches show 48 of each class.
    largest = json.loads((copy.root / "results/scaling/points/dcgan-unlimited-cnn6-1.json").read_text())
    assert largest["per_class"] == 48
    written = (copy.root / "results/scaling/points").glob("*.json")
    assert points_in_mlflow(copy) == sorted(file.stem for file in written), "one run for each point"
    drawn = {file: file.read_bytes() for file in (copy.root / "work/synthetic").glob("*/record.json")}
    assert len(drawn) == 2

    copy.set_params({"scaling.synthetic_sizes": [8, 16, 32, "unlimited"]})
    later = ran(copy.repro(FILE))
    assert set(later) - {"check_params"} == {
        *(f"{FILE}:synthetic@dcgan-32-cnn6-{seed}" for seed in (1, 2)),
        f"{FILE}:curve",
    }
    assert {file: file.read_bytes() for file in drawn} == drawn
    summary = json.loads((copy.root / "results/scaling/summary.json").read_text())
    assert summary["sentences"] and summary["figures"]

    # The study itself is as it was: what is beside it makes none of it run.
    assert set(ran(copy.repro())) <= {"check_params", "report"}
