"""An evaluation writes what it measured, and says what is undefined."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, roc_auc_score
from torch import Tensor, nn

from pathgen.classifier.evaluation import evaluate
from pathgen.patches.store import PatchSet
from pathgen.patches.tables import read_table


class Bright(nn.Module):
    """Calls a patch tumor by its mean brightness."""

    def forward(self, images: Tensor) -> Tensor:
        logit = images.mean(dim=(1, 2, 3)) * 4
        return torch.log_softmax(torch.stack([-logit, logit], dim=1), dim=1)


@pytest.fixture
def test_set() -> PatchSet:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (60, 1, 1, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    labels = np.where(images.mean(axis=(1, 2, 3)) + rng.normal(0, 40, 60) > 127, "tumor", "normal")
    index = pd.DataFrame({"slide": np.repeat(["a", "b", "c"], 20), "item": np.arange(60), "label": labels})
    return PatchSet(images, index.astype({"label": object, "slide": object}))


def test_the_files_agree_with_scikit_learn(test_set: PatchSet, tmp_path: Path) -> None:
    metrics = evaluate(
        Bright(), test_set, tmp_path, threshold=0.5, confidence=0.95, device=torch.device("cpu")
    )
    written = json.loads((tmp_path / "metrics.json").read_text())
    predictions = read_table(tmp_path / "predictions.parquet")
    truth = test_set.classes
    assert metrics["accuracy"] == accuracy_score(truth, predictions["score"] >= 0.5)
    assert metrics["roc_auc"] == pytest.approx(roc_auc_score(truth, predictions["score"]))
    assert {key: written[key] for key in metrics} == dict(metrics)
    assert sum(written["confusion"].values()) == 60
    confusion = pd.read_csv(tmp_path / "confusion.csv")
    assert (confusion["actual"] == confusion["predicted"]).mean() == pytest.approx(metrics["accuracy"])
    assert list(pd.read_csv(tmp_path / "per_slide.csv")["slide"]) == ["a", "b", "c"]
    roc = pd.read_csv(tmp_path / "roc.csv")
    assert list(roc.columns[:2]) == ["false_positive_rate", "true_positive_rate"]


def test_what_is_undefined_is_said_and_never_zero(test_set: PatchSet, tmp_path: Path) -> None:
    metrics = evaluate(
        Bright(), test_set, tmp_path, threshold=1.0, confidence=0.95, device=torch.device("cpu")
    )
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert "precision" not in metrics
    assert "precision" in written["undefined"]
