"""Classification metrics agree with scikit-learn; what is undefined is absent, with its reason."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from pathgen.metrics.classification import (
    classification_metrics,
    count_outcomes,
    mean_ci,
    mean_colour_baseline,
    per_slide,
    roc_points,
    undefined_metrics,
    wilson_ci,
)

ALL = {"n", "accuracy", "precision", "recall", "specificity", "f1", "roc_auc", "average_precision"}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])), min_size=1, max_size=30)
)
def test_classification_metrics_equal_scikit_learn(
    patches: list[tuple[bool, float]],
) -> None:
    labels = np.array([int(tumor) for tumor, _ in patches])
    scores = np.array([score for _, score in patches])
    called = (scores >= 0.5).astype(int)
    measured = classification_metrics(labels, scores, 0.5)
    undefined = undefined_metrics(count_outcomes(labels, scores, 0.5))
    assert measured.keys() | undefined.keys() == ALL
    assert not measured.keys() & undefined.keys()
    twins = {
        "accuracy": lambda: reference.accuracy_score(labels, called),
        "precision": lambda: reference.precision_score(labels, called),
        "recall": lambda: reference.recall_score(labels, called),
        "specificity": lambda: reference.recall_score(labels, called, pos_label=0),
        "f1": lambda: reference.f1_score(labels, called),
        "roc_auc": lambda: reference.roc_auc_score(labels, scores),
        "average_precision": lambda: reference.average_precision_score(labels, scores),
    }
    for name in measured.keys() - {"n"}:
        assert measured[name] == pytest.approx(twins[name]()), name
    assert ("precision" in undefined) == (called.sum() == 0)
    assert undefined.get("precision", "no patch was called tumor") == "no patch was called tumor"
    assert ("recall" in undefined) == (labels.sum() == 0)
    assert ("specificity" in undefined) == (labels.sum() == len(labels))
    assert ("roc_auc" in undefined) == (labels.sum() in (0, len(labels)))


def test_roc_points_enclose_the_area() -> None:
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 2, 200)
    scores = np.clip(labels * 0.3 + generator.random(200), 0, 1)
    points = roc_points(labels, scores)
    x, y = points["false_positive_rate"], points["true_positive_rate"]
    assert (x.iloc[0], y.iloc[0], x.iloc[-1], y.iloc[-1]) == (0, 0, 1, 1)
    assert math.isnan(points["threshold"].iloc[0])
    assert np.isfinite(points["threshold"].iloc[1:]).all()
    assert np.trapezoid(y, x) == pytest.approx(classification_metrics(labels, scores, 0.5)["roc_auc"])


def test_per_slide_measures_each_slide() -> None:
    predictions = pd.DataFrame(
        {
            "slide": ["b", "a", "b", "b"],
            "label": ["tumor", "normal", "tumor", "normal"],
            "predicted": ["tumor", "tumor", "normal", "normal"],
        }
    )
    table = per_slide(predictions, 0.95).set_index("slide")
    assert table.index.tolist() == ["a", "b"]
    assert table.loc["b", ["n", "n_tumor", "recall", "specificity"]].tolist() == [3, 2, 0.5, 1.0]
    assert table.loc["b", "accuracy"] == pytest.approx(2 / 3)
    assert table.loc["a", ["accuracy", "specificity"]].tolist() == [0.0, 0.0]
    assert math.isnan(table.loc["a", "recall"])
    assert (table["accuracy_low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["accuracy_high"]).all()


@pytest.mark.parametrize(("successes", "count"), [(0, 10), (7, 10), (10, 10), (450, 1000)])
def test_wilson_ci_equals_its_formula(successes: int, count: int) -> None:
    z, share = stats.norm.ppf(0.975), successes / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    assert wilson_ci(successes, count, 0.95) == pytest.approx((centre - half, centre + half), abs=1e-12)


def test_mean_ci_is_students_or_none_for_one_repetition() -> None:
    values = [0.78, 0.81, 0.80]
    mean, low, high = mean_ci(values, 0.95)
    twin = stats.t.interval(0.95, 2, loc=np.mean(values), scale=stats.sem(values))
    assert (mean, low, high) == pytest.approx((np.mean(values), *twin))
    assert mean_ci([0.7], 0.95) == (0.7, None, None)


def test_mean_colour_baseline_sees_colour_alone() -> None:
    generator = np.random.default_rng(1)
    labels = np.arange(200) % 2
    coloured = generator.integers(50, 150, (200, 8, 8, 3)).astype(np.uint8)
    coloured[labels == 1, ..., 0] += 40
    assert mean_colour_baseline(coloured[:100], labels[:100], coloured[100:], labels[100:]) == 1.0
    # Texture of one mean colour: stripes along rows or along columns.
    stripes = np.where(np.arange(8) % 2, 50, 200).astype(np.uint8)
    rows, columns = np.broadcast_to(stripes[:, None], (8, 8)), np.broadcast_to(stripes, (8, 8))
    textured = np.stack([np.stack([rows if label else columns] * 3, axis=-1) for label in labels])
    assert mean_colour_baseline(textured[:100], labels[:100], textured[100:], labels[100:]) == 0.5
