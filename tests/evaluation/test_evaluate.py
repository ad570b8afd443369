"""Evaluation of one classifier on the test set and on synthetic patches."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from factories.runs import evaluate_settings
from factories.training import FAILED
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, roc_auc_score
from torch import Tensor, nn

from pathgen.classifier.prediction import predict
from pathgen.core.labels import LABELS
from pathgen.evaluation.evaluate import evaluate, evaluate_on_synthetic
from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.metrics.statistics.calibration import threshold_at_specificity
from pathgen.patches.parquet import read_table
from pathgen.patches.store import PatchSet
from pathgen.report.read_results import read_csv
from pathgen.results.evaluation_record import Evaluation


class Bright(nn.Module):
    """Calls a patch tumor by its mean brightness."""

    def forward(self, images: Tensor) -> Tensor:
        logit = images.mean(dim=(1, 2, 3)) * 4
        return torch.log_softmax(torch.stack([-logit, logit], dim=1), dim=1)


SETTINGS = evaluate_settings(resamples=200, calibration_bins=5)


def patches(seed: int) -> PatchSet:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 255, (120, 1, 1, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    labels = np.where(images.mean(axis=(1, 2, 3)) + rng.normal(0, 40, 120) > 127, "tumor", "normal")
    slides = np.repeat(["a", "b", "c", "d"], 30)
    index = pd.DataFrame({"slide": slides, "item": np.arange(120), "label": labels})
    return PatchSet(images, index.astype({"label": object, "slide": object}))


TEST, VALID = patches(0), patches(1)


def evaluated(folder: Path, test: PatchSet = TEST, **changes: Any) -> Mapping[str, float]:
    """Evaluate `Bright`; changes are settings, or of the clusters ``slides_known`` and ``patients``."""
    by = {"slides_known": True, "patients": {}} | {
        name: changes.pop(name) for name in ("slides_known", "patients") if name in changes
    }
    clusters = build_clusters(test.index["slide"].to_numpy(), test.classes, **by)
    settings = SETTINGS.model_copy(update=changes)
    return evaluate(Bright(), test, VALID, clusters, folder, settings, torch.device("cpu"), FAILED)


def test_evaluate_writes_what_scikit_learn_computes(tmp_path: Path) -> None:
    metrics = evaluated(tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())
    predictions = read_table(tmp_path / "predictions.parquet")
    truth = TEST.classes
    assert predictions.columns.tolist() == ["slide", "item", "label", "score", "predicted"]
    assert predictions[["item", "label"]].equals(TEST.index[["item", "label"]])
    assert ((predictions["predicted"] == "tumor") == (predictions["score"] >= 0.5)).all()
    assert metrics["accuracy"] == accuracy_score(truth, predictions["score"] >= 0.5)
    assert metrics["roc_auc"] == pytest.approx(roc_auc_score(truth, predictions["score"]))
    assert {key: written[key] for key in metrics if "/" not in key} == {
        key: value for key, value in metrics.items() if "/" not in key
    }
    assert written["health"] == json.loads(FAILED.model_dump_json(exclude_unset=True))
    assert sum(written["confusion"].values()) == 120
    confusion = pd.read_csv(tmp_path / "confusion.csv")
    assert (confusion["actual"] == confusion["predicted"]).mean() == pytest.approx(metrics["accuracy"])
    assert list(pd.read_csv(tmp_path / "per_slide.csv")["slide"]) == ["a", "b", "c", "d"]
    roc = pd.read_csv(tmp_path / "roc.csv")
    assert list(roc.columns[:2]) == ["false_positive_rate", "true_positive_rate"]
    curve = pd.read_csv(tmp_path / "reliability.csv")
    gaps = (curve["mean_score"] - curve["tumor_share"]).abs()
    assert metrics["calibration_error"] == pytest.approx((gaps * curve["n"]).sum() / 120)


def test_evaluate_resamples_slides_patients_or_patches(tmp_path: Path) -> None:
    by_slide = evaluated(tmp_path / "slide")
    evaluated(tmp_path / "patch", slides_known=False)
    evaluated(tmp_path / "patient", patients={"a": "x", "d": "x"})
    written = {
        unit: json.loads((tmp_path / unit / "metrics.json").read_text())
        for unit in ("slide", "patch", "patient")
    }
    assert written["slide"]["resampled"] == {"unit": "slide", "count": 4}
    assert written["patch"]["resampled"] == {"unit": "patch", "count": 120}
    assert written["patient"]["resampled"] == {"unit": "patient", "count": 3}
    for name, ends in written["slide"]["intervals"].items():
        assert 0 < ends["low"] < by_slide[name] < ends["high"] < 1, name
        assert by_slide[f"{name}/low"] == ends["low"]
    assert {"accuracy", "recall", "f1", "roc_auc", "average_precision"} <= written["slide"][
        "intervals"
    ].keys()


def test_operating_point_is_chosen_on_validation_patches(tmp_path: Path) -> None:
    metrics = evaluated(tmp_path)
    threshold = json.loads((tmp_path / "metrics.json").read_text())["thresholds"]["operating"]
    scores = predict(Bright(), VALID.images, torch.device("cpu"))
    assert threshold == threshold_at_specificity(VALID.classes, scores, 0.9)
    on_test = predict(Bright(), TEST.images, torch.device("cpu"))
    assert metrics["operating_recall"] == np.mean(on_test[TEST.classes == 1] >= threshold)
    assert metrics["operating_specificity"] == np.mean(on_test[TEST.classes == 0] < threshold)


def test_undefined_metric_is_absent_with_a_reason(tmp_path: Path) -> None:
    metrics = evaluated(tmp_path, threshold=1.0)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert "precision" not in metrics
    assert "precision" not in written
    assert "precision" in written["undefined"]


@pytest.mark.parametrize(
    ("label", "missing"), [("tumor", "no patch is normal"), ("normal", "no patch is tumor")]
)
def test_test_set_of_one_class_has_no_roc_curve(tmp_path: Path, label: str, missing: str) -> None:
    folder = tmp_path / "original-cnn6-1"
    metrics = evaluated(folder, TEST.of_label(label))
    assert "accuracy" in metrics
    assert "roc_auc" not in metrics
    assert Evaluation.load(folder / "metrics.json").undefined["roc_auc"] == missing
    roc = pd.read_csv(folder / "roc.csv")
    assert list(roc.columns) == ["false_positive_rate", "true_positive_rate", "threshold"]
    assert len(roc) == 0
    read = read_csv(folder / "roc.csv")
    assert read is not None and read.empty


def test_evaluate_on_synthetic_measures_the_intended_class(tmp_path: Path) -> None:
    sets: dict[str, PatchSet] = {label: TEST.of_label(label) for label in LABELS}
    metrics = evaluate_on_synthetic(
        Bright(), sets, tmp_path, threshold=0.5, confidence=0.95, device=torch.device("cpu")
    )
    scores = predict(Bright(), TEST.images, torch.device("cpu"))
    assert metrics["recall"] == np.mean(scores[TEST.classes == 1] >= 0.5)
    assert metrics["accuracy"] == accuracy_score(TEST.classes, scores >= 0.5)
    right = round(metrics["accuracy"] * 120)
    interval = binomtest(right, 120).proportion_ci(0.95, method="wilson")
    assert (metrics["accuracy/low"], metrics["accuracy/high"]) == pytest.approx((interval.low, interval.high))
    assert json.loads((tmp_path / "metrics.json").read_text())["confusion"]["true_positive"] > 0
