"""The search for classifier settings on the tiny study: recorded, killed, continued, taken over."""

import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
from factories.tiny_study import Study

from pathgen.tracking.mlflow_import import mlflow
from pathgen.validation import validate_params

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
COMMAND = ("python", "-m", "stages.tune")
RATE = "train_classifier.classifiers.cnn6-tuned.learning_rate"
SMALL = {
    "train_classifier.classifiers.cnn6-tuned.max_epochs": 2,
    "tuning.trials": 2,
    "tuning.seeds": [1],
    "tuning.space": [
        {"field": RATE, "low": 0.001, "high": 0.01, "scale": "log"},
        {"field": "synthesise.per_class", "choices": [24, 48]},
    ],
    "tuning_work.workers": 1,
}


def trials_of(study: Study) -> pd.DataFrame:
    return pd.read_csv(study.root / "results/tuning/trials.csv")


def test_search_is_recorded_killed_continued_and_its_best_is_a_params_file(
    copy: Study, tmp_path: Path
) -> None:
    copy.set_params(SMALL)
    copy.run(*COMMAND)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{copy.root / 'mlflow.db'}")
    (experiment,) = [one for one in client.search_experiments() if one.name == "pathgen"]
    runs = client.search_runs([experiment.experiment_id])
    (study,) = [run for run in runs if run.data.tags["stage"] == "tune"]
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == study.info.run_id]
    values = {int(run.data.tags["trial"]): run.data.metrics["tune/valid_accuracy"] for run in nested}
    first = trials_of(copy)
    assert dict(zip(first["trial"], first["value"], strict=True)) == values
    assert len(values) == 2
    assert study.data.metrics["tune/best_valid_accuracy"] == max(values.values())

    copy.run(*COMMAND, "--again")

    # More trials, and a kill in the third: earlier results stay.
    results = copy.root / "results/tuning"
    found = {file.name: file.read_bytes() for file in results.iterdir()}
    copy.set_params({"tuning.trials": 4})
    log = tmp_path / "killed.log"
    process = copy.start(*COMMAND, log=log)
    deadline = time.monotonic() + 240
    while "Trial 2 " not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert {file.name: file.read_bytes() for file in results.iterdir()} == found

    copy.run(*COMMAND)
    trials = trials_of(copy)
    pd.testing.assert_frame_equal(trials[:2], first)
    assert len(trials) == 4
    (copy.root / "params.yaml").write_bytes((results / "best.yaml").read_bytes())
    validate_params(copy.root / "params.yaml")
    assert "train_original@cnn6-tuned" in copy.run("dvc", "stage", "list", "--name-only").stdout
