"""MLflow's record of a finished study, and the command lines of DVC and MLflow on it."""

import json
from collections import defaultdict

import pytest
from factories.tiny_study import Study, ran

from pathgen.tracking.mlflow_import import mlflow

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]

NESTED = "mlflow.parentRunId"
TRAININGS = ("train_gan", "train_classifier")
# Two seeds; a control is trained on in the regime synthetic.
REGIMES = ["mixed"] * 2 + ["original"] * 2 + ["synthetic"] * 4

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
    """Output of the summary of the finished study, MLflow's client, and all runs."""
    printed = finished.study.run("python", "-m", "stages.summary").stdout
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{finished.study.root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("pathgen")
    return printed, client, client.search_runs([experiment.experiment_id], max_results=1000)


def test_pipeline_run_links_the_run_of_every_stage(finished, store):
    printed, client, runs = store
    (pipeline,) = [run for run in runs if run.data.tags["stage"] == "pipeline"]
    tag = f"pipeline.{pipeline.data.tags['pipeline'][:8]}"
    marked = [run for run in runs if run is not pipeline and tag in run.data.tags]
    linked = {run.data.tags["dvc_stage"]: run for run in marked if "dvc_stage" in run.data.tags}
    assert set(linked) == set(finished.study.locked()) - {"check_params"}
    assert {run.info.status for run in linked.values()} == {"FINISHED"}
    note = pipeline.data.tags["mlflow.note.content"]
    assert [name for name, run in linked.items() if run.info.run_id not in note] == []
    nested = [run for run in marked if "mlflow.parentRunId" in run.data.tags and "regime" in run.data.tags]
    nested = [run for run in nested if run.data.tags["stage"] == "evaluate"]
    assert sorted(run.data.tags["regime"] for run in nested) == REGIMES
    (answered,) = (run for run in marked if run.data.tags["stage"] == "verdict")
    assert f"{answered.data.metrics['verdict/accuracy/original']:.4g}" in note
    tradeoff = {key for key in pipeline.data.metrics if key.startswith("tradeoff/")}
    assert {"tradeoff/dcgan/attack_auc/high", "tradeoff/synthetic-dcgan-cnn6/accuracy_lost"} <= tradeoff
    (report,) = [run for run in runs if run.data.tags["stage"] == "report"]
    assert tradeoff <= set(report.data.metrics)
    artifacts = {file.path for file in client.list_artifacts(report.info.run_id)}
    assert {"index.html", "summary.pdf"} <= artifacts
    assert "http://127.0.0.1:5000/#/experiments/" in printed
    assert printed.startswith("DEMONSTRATION") and "VERDICT on dcgan" in printed
    verdict = json.loads((finished.study.root / "results/verdict.json").read_text())
    private = verdict["generators"][0]["private"]["outcome"]
    assert pipeline.data.tags["verdict.private"] == private
    assert {"verdict.useful_alone", "verdict.useful_added", "verdict.release"} <= pipeline.data.tags.keys()
    assert "verdict/accuracy/synthetic" in pipeline.data.metrics
    trained = [run for run in marked if run.data.tags["stage"] in (*TRAININGS, "train_control")]
    # Five stages, four trainings of generators, eight of classifiers.
    assert len(trained) == 17 and all(run.data.tags["health"] for run in [*trained, *nested])


def test_runs_record_items_inputs_and_curves(finished, store):
    _, client, runs = store
    by_stage = defaultdict(list)
    for run in runs:
        by_stage[run.data.tags["stage"]].append(run)
    deps = {dep["path"]: dep["md5"] for dep in finished.study.locked()["train_original@cnn6"]["deps"]}
    trainings = {verb: [run for run in by_stage[verb] if NESTED in run.data.tags] for verb in TRAININGS}
    stages = {verb: [run for run in by_stage[verb] if run not in trainings[verb]] for verb in TRAININGS}
    original = next(run for run in stages["train_classifier"] if run.data.tags["regime"] == "original")
    digests = {entry.dataset.name: entry.dataset.digest for entry in original.inputs.dataset_inputs}
    assert digests == {path: md5 for path, md5 in deps.items() if not path.startswith("data/code")}
    assert original.data.params["train_classifier.classifiers.cnn6.max_epochs"] == "12"
    assert {run.data.tags["generator"] for run in by_stage["train_gan"]} == {"dcgan"}
    assert sorted(run.data.tags["regime"] for run in trainings["train_classifier"]) == REGIMES
    parts = sorted((run.data.tags["replicate"], run.data.tags["label"]) for run in trainings["train_gan"])
    assert parts == [("1", "normal"), ("1", "tumor"), ("2", "normal"), ("2", "tumor")]
    nested = [run for run in by_stage["evaluate"] if NESTED in run.data.tags]
    assert sorted(run.data.tags["regime"] for run in nested) == REGIMES
    assert all("test/accuracy" in run.data.metrics for run in nested)
    for run in trainings["train_gan"] + trainings["train_classifier"]:
        longest = max(len(client.get_metric_history(run.info.run_id, key)) for key in run.data.metrics)
        assert longest > 3, run.info.run_name
    for run in trainings["train_gan"]:
        images = client.list_artifacts(run.info.run_id, "images")
        assert len([image for image in images if image.path.endswith(".png")]) > 1


def test_logged_models_load_and_predict(finished, store):
    _, client, runs = store
    models = client.search_logged_models([runs[0].info.experiment_id])
    output = finished.study.run("python", "-c", _PREDICT, *(model.artifact_location for model in models))
    shapes = list(json.loads(output.stdout.splitlines()[-1]).values())
    classifiers, generators = [[2]] * 8, [[2, 16, 16, 3]] * 4
    assert sorted(shapes) == [*classifiers, *generators]


def test_mlflow_entry_point_that_is_up_to_date_runs_nothing(copy):
    done = copy.run("mlflow", "run", ".", "--env-manager=local", "--entry-point", "sample")
    assert "'sample' didn't change, skipping" in done.stdout + done.stderr


def test_dvc_experiment_runs_what_its_parameters_change(copy: Study):
    copy.commit("Keep the results")
    change = "train_classifier.classifiers.cnn6.max_epochs=2"
    done = copy.run("dvc", "exp", "run", "--set-param", change, "train_original@cnn6")
    assert ran(done.stdout) == ["check_params", "train_original@cnn6"]
    copy.run("dvc", "plots", "diff", "--out", "work/plots")
    page = (copy.root / "work/plots/index.html").read_text()
    assert "results_training_original-cnn6_1_history_csv" in page
