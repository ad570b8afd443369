"""What MLflow holds of a finished study, and what DVC and MLflow do with it from their command lines."""

import json
from collections import defaultdict

import pytest
from factories.tiny_study import Study, ran

from pathgen.tracking.mlflow_import import mlflow

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]

_PREDICT = """
import json, sys
import mlflow, numpy as np
answers = {}
for uri in sys.argv[1:]:
    model = mlflow.pyfunc.load_model(uri)
    assert model.metadata.signature is not None
    inputs = model.metadata.signature.inputs
    if inputs.is_tensor_spec():
        shape = [2 if n == -1 else n for n in inputs.inputs[0].shape]
        wanted = np.zeros(shape, inputs.inputs[0].type)
    else:
        wanted = {"seed": 1, "count": 2}
    answers[uri] = list(np.asarray(model.predict(wanted)).shape)
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def store(finished):
    """The finished study's runs, after its end has been told to MLflow: a client, and all runs."""
    told = finished.study.run("python", "-m", "stages.summary")
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{finished.study.root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("pathgen")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    return told.stdout, client, runs


def test_pipelines_run_leads_to_every_stages_run(finished, store):
    told, client, runs = store
    (pipeline,) = [run for run in runs if run.data.tags["stage"] == "pipeline"]
    tag = f"pipeline.{pipeline.data.tags['pipeline'][:8]}"
    linked = {run.data.tags["dvc_stage"]: run for run in runs if run is not pipeline and tag in run.data.tags}
    assert set(linked) == set(finished.study.locked()) - {"check_params"}
    assert {run.info.status for run in linked.values()} == {"FINISHED"}
    note = pipeline.data.tags["mlflow.note.content"]
    assert [name for name, run in linked.items() if run.info.run_id not in note] == []
    assert "| trained on |" in told
    told_of_privacy = {key for key in pipeline.data.metrics if key.startswith("tradeoff/")}
    assert "tradeoff/dcgan/attack_auc/high" in told_of_privacy
    assert "tradeoff/synthetic-dcgan-cnn6/accuracy_lost" in told_of_privacy
    (report,) = [run for run in runs if run.data.tags["stage"] == "report"]
    assert told_of_privacy <= set(report.data.metrics)
    assert "tradeoff.svg" in {file.path for file in client.list_artifacts(report.info.run_id)}
    assert "http://127.0.0.1:5000/#/experiments/" in told


def test_runs_say_what_they_are_and_what_they_read(finished, store):
    _, client, runs = store
    by_stage = defaultdict(list)
    for run in runs:
        by_stage[run.data.tags["stage"]].append(run)
    locked = finished.study.locked()
    (test_set,) = {dep["md5"] for dep in locked["evaluate"]["deps"] if dep["path"] == "data/patches/test"}
    digests = [
        data.dataset.digest
        for run in by_stage["evaluate"]
        for data in run.inputs.dataset_inputs
        if data.dataset.name == "data/patches/test"
    ]
    assert digests == [test_set]
    for run in by_stage["train_gan"]:
        assert {"stage", "generator", "label"} <= set(run.data.tags)
    (evaluation,) = [run for run in by_stage["evaluate"] if "mlflow.parentRunId" not in run.data.tags]
    evaluated = [run for run in by_stage["evaluate"] if run is not evaluation]
    assert len(evaluated) == 3
    assert {run.data.tags["mlflow.parentRunId"] for run in evaluated + by_stage["evaluate_on_synthetic"]} == {
        evaluation.info.run_id
    }
    for run in by_stage["train_classifier"] + evaluated:
        assert {"stage", "regime", "classifier", "seed"} <= set(run.data.tags)
    assert sorted(run.data.tags["regime"] for run in by_stage["train_classifier"]) == [
        "mixed",
        "original",
        "synthetic",
    ]
    for run in by_stage["train_gan"] + by_stage["train_classifier"]:
        longest = max(len(client.get_metric_history(run.info.run_id, key)) for key in run.data.metrics)
        assert longest > 3, run.info.run_name
    for run in by_stage["train_gan"]:
        images = client.list_artifacts(run.info.run_id, "images")
        assert len([image for image in images if image.path.endswith(".png")]) > 1


def test_logged_models_load_and_predict(finished, store):
    _, client, runs = store
    models = client.search_logged_models([runs[0].info.experiment_id])
    assert len(models) == 5, "two generators, three classifiers"
    said = finished.study.run("python", "-c", _PREDICT, *(model.artifact_location for model in models))
    shapes = list(json.loads(said.stdout.splitlines()[-1]).values())
    assert sorted(shapes) == [[2], [2], [2], [2, 16, 16, 3], [2, 16, 16, 3]]


def test_entry_point_that_is_up_to_date_runs_nothing(copy):
    done = copy.run("mlflow", "run", ".", "--env-manager=local", "--entry-point", "compare")
    assert "'compare' didn't change, skipping" in done.stdout + done.stderr


def test_experiment_can_be_run_and_compared(copy: Study):
    copy.commit("Keep the results")
    changes = ("train_classifier.classifiers.cnn6.max_epochs=2", "evaluate.threshold=0.0")
    options = [word for change in changes for word in ("--set-param", change)]
    done = copy.run("dvc", "exp", "run", *options, "evaluate")
    assert [name for name in ran(done.stdout) if not name.startswith("train_")] == [
        "check_params",
        "evaluate",
    ]
    metrics = json.loads(copy.run("dvc", "metrics", "diff", "--json").stdout)
    assert metrics["results/evaluate/original-cnn6-1/metrics.json"]["recall"]["new"] == 1.0
    plots = copy.run("dvc", "plots", "diff", "--out", "work/plots").stdout
    page = copy.root / "work/plots/index.html"
    assert str(page) in plots
    assert "results_training_original-cnn6-1_history_csv" in page.read_text()
