"""The search for classifier settings on the tiny study, as typed: recorded, killed, gone on with."""

import os
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
from tiny_study import Study, ran

from pathgen.tracking.mlflow_import import mlflow
from pathgen.validation import validate_params

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
FILE = "tuning/dvc.yaml"
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


def test_a_search_is_nested_repeated_and_raised_and_its_best_is_a_params_file(
    copy: Study, tmp_path: Path
) -> None:
    copy.set_params(SMALL)
    assert ran(copy.repro(FILE)) == ["check_params", f"{FILE}:tune"]
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{copy.root / 'mlflow.db'}")
    (experiment,) = [one for one in client.search_experiments() if one.name == "pathgen"]
    runs = client.search_runs([experiment.experiment_id])
    (study,) = [run for run in runs if run.data.tags["stage"] == "tune"]
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == study.info.run_id]
    assert sorted(run.data.tags["trial"] for run in nested) == ["1", "2"]
    values = {int(run.data.tags["trial"]): run.data.metrics["tune/valid_accuracy"] for run in nested}
    first = trials_of(copy)
    assert dict(zip(first["trial"], first["value"], strict=True)) == values
    assert study.data.metrics["tune/best_valid_accuracy"] == max(values.values())

    assert "the same scores" in copy.run("python", "-m", "stages.tune", "--again").stdout

    # More trials, and a kill in the third: what was found before is still there.
    found = {file.name: file.read_bytes() for file in (copy.root / "results/tuning").iterdir()}
    copy.set_params({"tuning.trials": 3})
    log = tmp_path / "killed.log"
    process = copy.start("dvc", "repro", FILE, log=log)
    until = time.monotonic() + 120
    while not any("trial 3: " in said.read_text() for said in copy.root.glob("work/tuning/*/worker-1.log")):
        assert process.poll() is None and time.monotonic() < until, log.read_text()[-3000:]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert {file.name: file.read_bytes() for file in (copy.root / "results/tuning").iterdir()} == found

    assert ran(copy.repro(FILE)) == [f"{FILE}:tune"]
    pd.testing.assert_frame_equal(trials_of(copy)[:2], first)
    assert list(trials_of(copy)["trial"]) == [1, 2, 3]
    (copy.root / "params.yaml").write_bytes((copy.root / "results/tuning/best.yaml").read_bytes())
    validate_params(copy.root / "params.yaml")
    assert "train_original@cnn6-tuned-1" in copy.run("dvc", "stage", "list", "--name-only").stdout
