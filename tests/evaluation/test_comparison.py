"""Comparison of the regimes: groups, pairs, tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from factories.runs import evaluate_settings
from factories.training import CONVERGED, FAILED

from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json
from pathgen.evaluation.compare import compare, differences_table, regimes_table
from pathgen.evaluation.evaluated_runs import EvaluatedRun, TestPatches, cluster_patches, load_runs
from pathgen.metrics.statistics.bootstrap import build_clusters
from pathgen.metrics.statistics.confidence_intervals import StandardError, combine_se, difference_ci
from pathgen.patches.parquet import write_table
from pathgen.results.comparison_record import Comparison
from pathgen.results.evaluation_record import Thresholds
from pathgen.run_matrix import PipelineSettings, RunKey

SETTINGS = evaluate_settings(resamples=400)
SKILL = {"original": 1.2, "mixed": 1.1, "synthetic": 0.4}
THRESHOLDS = Thresholds(call=0.5, operating=0.7)
PIPELINE = PipelineSettings(
    generators=["dcgan-2"],
    classifiers=["cnn6", "cnn6-tuned"],
    regimes=["synthetic"],
    seeds=[1],
    replicates=1,
    controls=[],
)


def made_up(replicates: int = 1, slides: int = 16) -> tuple[TestPatches, list[EvaluatedRun]]:
    """Make up runs with three seeds for each replicate."""
    rng = np.random.default_rng(3)
    names = np.repeat([f"s{number:02d}" for number in range(slides)], 60).astype(object)
    labels = (
        np.where(np.arange(slides)[:, None] < slides // 2, np.arange(60) < 30, False).ravel().astype(np.int64)
    )
    hard = np.repeat(rng.normal(0, 0.4, slides), 60)
    runs = []
    for regime, skill in SKILL.items():
        shifts = [0.0 if regime == "original" else rng.normal(0, 0.3) for _ in range(replicates)]
        for seed in range(1, 3 * replicates + 1):
            replicate = (seed - 1) % replicates + 1
            logits = (skill + shifts[replicate - 1]) * (2 * labels - 1) + hard + rng.normal(size=len(labels))
            generator = (None, None) if regime == "original" else ("dcgan", replicate)
            key = RunKey(regime, generator[0], "cnn6-tuned", seed, generator[1])
            runs.append(EvaluatedRun(key, 1 / (1 + np.exp(-logits)), THRESHOLDS))
    return TestPatches(names, labels), runs


def compare_all(test: TestPatches, runs: list[EvaluatedRun], slides_known: bool = True) -> Comparison:
    clusters = build_clusters(test.slides, test.labels, slides_known=slides_known, patients={})
    return compare(test, runs, clusters, SETTINGS)


def compared(test: TestPatches, runs: list[EvaluatedRun], slides_known: bool = True) -> dict[str, Any]:
    return compare_all(test, runs, slides_known).as_json()


def test_regimes_are_compared_in_pairs_with_adjusted_p_values() -> None:
    test, runs = made_up()
    found = compared(test, runs)
    assert [one["regime"] for one in found["regimes"]] == ["original", "mixed-dcgan", "synthetic-dcgan"]
    assert [(one["regime"], one["against"]) for one in found["differences"]] == [
        ("mixed-dcgan", "original"),
        ("synthetic-dcgan", "original"),
        ("synthetic-dcgan", "mixed-dcgan"),
    ]
    by_name = {one["regime"]: one["metrics"] for one in found["regimes"]}
    worse = found["differences"][1]
    accuracy = worse["metrics"]["accuracy"]
    expected = by_name["synthetic-dcgan"]["accuracy"]["mean"] - by_name["original"]["accuracy"]["mean"]
    assert accuracy["difference"] == pytest.approx(expected)
    assert accuracy["low"] < accuracy["difference"] < accuracy["high"] < 0
    assert worse["p_value"] < worse["p_adjusted"] < 0.05
    assert 0 < worse["minimum_difference"] < abs(accuracy["difference"])
    assert [one["seed"] for one in worse["mcnemar"]] == [1, 2, 3]
    one = worse["mcnemar"][0]
    right = [
        (run.scores >= 0.5) == (test.labels == 1)
        for run in runs
        if run.key.seed == 1 and run.key.regime != "mixed"
    ]
    assert one["only_against"] == np.sum(right[0] & ~right[1])
    record = Comparison.model_validate(found)
    means = regimes_table(record)
    assert set(means["metric"]) >= {"accuracy", "roc_auc", "operating_recall"}
    assert (means["low"] < means["mean"]).all()
    assert (means["mean"] < means["high"]).all()
    assert len(differences_table(record)) == 3 * 9


def test_error_over_trainings_is_that_of_the_replicates_means() -> None:
    test, runs = made_up(replicates=3)
    found = compared(test, runs)
    assert [(one["regime"], one["trainings"], one["generators"]) for one in found["regimes"]] == [
        ("original", 9, 0),
        ("mixed-dcgan", 9, 3),
        ("synthetic-dcgan", 9, 3),
    ]
    pair = found["differences"][1]
    assert [one["seed"] for one in pair["mcnemar"]] == list(range(1, 10))
    accuracy = {run.key: float(np.mean((run.scores >= 0.5) == (test.labels == 1))) for run in runs}
    lost = {
        key.seed: accuracy[RunKey("original", None, key.classifier, key.seed)] - value
        for key, value in accuracy.items()
        if key.regime == "synthetic"
    }
    means = [np.mean([lost[seed] for seed in (first, first + 3, first + 6)]) for first in (1, 2, 3)]
    expected = np.std(means, ddof=1) / np.sqrt(3)
    assert pair["metrics"]["accuracy"]["error_trainings"] == pytest.approx(expected)
    component = pair["metrics"]["accuracy"]["components"]["generators"]
    assert (component["freedom"], component["count"]) == (2, 3)
    assert "seeds" not in pair["metrics"]["accuracy"]["components"]
    one_replicate = [run for run in runs if run.key.replicate in (None, 1) and run.key.seed % 3 == 1]
    alone = compared(test, one_replicate)["differences"][1]["metrics"]["accuracy"]
    assert list(alone["components"]) == ["test", "seeds"]


def test_paired_trainings_cancel_the_effect_of_the_seed() -> None:
    test, runs = made_up()
    chosen = []
    for run in runs:
        if run.key.regime == "original":
            # Later seeds are worse, by far; in each, the other regime gets the same 20 patches wrong besides.
            right = test.labels == 1
            wrong = np.arange(len(right)) % 8 < run.key.seed
            for key, from_end in (
                (run.key, 0),
                (RunKey("synthetic", "dcgan", "cnn6-tuned", run.key.seed, 1), 160),
            ):
                called = right ^ (
                    wrong | (np.arange(len(right)) % 8 == 7) & (np.arange(len(right)) < from_end)
                )
                chosen.append(EvaluatedRun(key, np.where(called, 0.9, 0.1), THRESHOLDS))
    found = compared(test, chosen)
    (difference,) = found["differences"]
    assert difference["metrics"]["accuracy"]["difference"] == pytest.approx(-20 / 960)
    assert found["regimes"][0]["metrics"]["accuracy"]["error_trainings"] > 0.05
    assert difference["metrics"]["accuracy"].get("error_trainings", 0) < 1e-9


def test_failed_training_is_named_and_the_means_are_given_without_it() -> None:
    test, runs = made_up()
    broken = [
        replace(run, scores=np.full(len(test.labels), 0.4), converged=False)
        if (run.key.regime, run.key.seed) == ("synthetic", 3)
        else replace(run, repeated=run.key.regime == "mixed", first_epoch=run.key.seed == 2)
        for run in runs
    ]
    found = compare_all(test, broken)
    original, mixed, synthetic = found.regimes
    assert (original.not_converged, mixed.not_converged) == ((), ())
    assert synthetic.not_converged == ("synthetic-dcgan-cnn6-tuned-3",)
    assert mixed.repeated == tuple(f"mixed-dcgan-cnn6-tuned-{seed}" for seed in (1, 2, 3))
    assert original.first_epoch == ("original-cnn6-tuned-2",)
    without = compare_all(test, [run for run in broken if run.converged])
    means = synthetic.metrics["recall"], without.regimes[2].metrics["recall"]
    assert means[0].mean < means[1].mean == pytest.approx(means[0].converged)
    assert original.metrics["accuracy"].converged is None
    for regime in ("original", "mixed-dcgan"):
        pairs = [one.difference("cnn6-tuned", "synthetic-dcgan", regime) for one in (found, without)]
        differences = [pair.metrics["recall"] for pair in pairs if pair is not None]
        assert differences[0].converged == pytest.approx(differences[1].difference)
    untouched = found.difference("cnn6-tuned", "mixed-dcgan", "original")
    assert untouched is not None and untouched.metrics["accuracy"].converged is None


def test_regime_whose_trainings_all_failed_has_no_mean_without_them() -> None:
    test, runs = made_up()
    failed = [replace(run, converged=run.key.regime != "synthetic") for run in runs]
    found = compare_all(test, failed)
    assert len(found.regimes[2].not_converged) == 3
    assert found.regimes[2].metrics["accuracy"].converged is None
    assert all(one.metrics["accuracy"].converged is None for one in found.differences)


@pytest.mark.parametrize("replicates", [1, 3])
def test_components_combine_to_the_interval(replicates: int) -> None:
    test, runs = made_up(replicates)
    for pair in compare_all(test, runs).differences:
        accuracy = pair.metrics["accuracy"]
        components, trainings = accuracy.components, "generators" if replicates > 1 else "seeds"
        assert set(components) == {"test", trainings}
        assert components["test"].error == accuracy.error_slides
        assert [components["test"].count, components[trainings].count] == [16, 3]
        whole = combine_se([StandardError(one.error, one.freedom) for one in components.values()])
        assert whole is not None and accuracy.low is not None
        low, _ = difference_ci(accuracy.difference, whole, 0.95)
        assert low == pytest.approx(accuracy.low)
        assert pair.metrics["recall"].components == {}


def test_order_of_the_regimes_changes_the_sign_alone() -> None:
    test, runs = made_up(replicates=3)

    def named(run: EvaluatedRun, kind: str) -> EvaluatedRun:
        return replace(run, key=replace(run.key, regime="synthetic", generator=kind))

    def difference(kind_of_three: str, kind_of_one: str) -> dict[str, Any]:
        three = [named(run, kind_of_three) for run in runs if run.key.regime == "synthetic"]
        one = [named(run, kind_of_one) for run in runs if (run.key.regime, run.key.replicate) == ("mixed", 1)]
        (found,) = compared(test, [*three, *one])["differences"]
        return found

    first, second = difference("dcgan", "stylegan2"), difference("stylegan2", "dcgan")
    assert (first["regime"], second["against"]) == ("synthetic-stylegan2", "synthetic-dcgan")
    for metric, measured in first["metrics"].items():
        swapped = second["metrics"][metric]
        assert measured["difference"] == pytest.approx(-swapped["difference"])
        assert measured["error_trainings"] == pytest.approx(swapped["error_trainings"])
    assert first["p_value"] == pytest.approx(second["p_value"])
    assert first["minimum_difference"] == pytest.approx(second["minimum_difference"])


def test_minimum_difference_exceeds_half_the_interval() -> None:
    test, runs = made_up(replicates=3)
    alone = [run for run in runs if run.key.seed == 1]
    single, several = (compared(test, chosen)["differences"][1] for chosen in (alone, runs))
    for pair in (single, several):
        accuracy = pair["metrics"]["accuracy"]
        # An interval is narrower than what is found with more than even odds at the same level.
        assert pair["minimum_difference"] > (accuracy["high"] - accuracy["low"]) / 2


def test_unknown_slides_resample_patches() -> None:
    test, runs = made_up()
    by_patch = compared(test, runs, slides_known=False)
    assert (by_patch["test"]["unit"], by_patch["test"]["count"]) == ("patch", 960)
    by_slide = compared(test, runs)
    errors = [one["regimes"][0]["metrics"]["recall"]["error_slides"] for one in (by_patch, by_slide)]
    assert errors[0] < 0.8 * errors[1]


def test_single_trainings_have_intervals_over_slides() -> None:
    test, runs = made_up()
    found = compared(test, [run for run in runs if run.key.seed == 1])
    accuracy = found["differences"][0]["metrics"]["accuracy"]
    assert "low" in accuracy
    assert "error_trainings" not in accuracy


def written(folder: Path, name: str, items: range, thresholds: dict[str, float] | None) -> None:
    frame = pd.DataFrame(
        {"slide": "a", "item": list(items), "label": ["tumor", "normal"] * (len(items) // 2)}
    )
    write_table(frame.assign(score=0.5, predicted="tumor"), folder / name / "predictions.parquet")
    counts = dict.fromkeys(("true_positive", "false_positive", "false_negative", "true_negative"), 1)
    known = {} if thresholds is None else {"thresholds": thresholds}
    plain = {"intervals": {}, "undefined": {}, "resampled": {"unit": "slide", "count": 4}}
    plain["health"] = FAILED.as_json() if name.endswith("6-2") else CONVERGED.as_json()
    write_json(folder / name / "metrics.json", {**plain, **known, "confusion": counts})


def test_load_runs_returns_keys_and_thresholds(tmp_path: Path) -> None:
    for run in PIPELINE.runs():
        written(tmp_path, run.name, range(4), {"call": 0.5, "operating": 0.9})
    test, runs = load_runs(tmp_path, PIPELINE)
    assert list(test.labels) == [1, 0, 1, 0]
    assert [run.key for run in runs] == [
        RunKey("original", None, "cnn6", 1),
        RunKey("original", None, "cnn6-tuned", 1),
        RunKey("synthetic", "dcgan-2", "cnn6", 1, 1),
        RunKey("synthetic", "dcgan-2", "cnn6-tuned", 1, 1),
    ]
    assert runs[-1].key.regime_name == "synthetic-dcgan-2"
    assert runs[0].thresholds.operating == 0.9
    assert all(run.converged and not run.repeated for run in runs)


def test_load_runs_returns_the_health_of_the_trainings(tmp_path: Path) -> None:
    pipeline = PIPELINE.model_copy(update={"seeds": [1, 2], "classifiers": ["cnn6"]})
    for run in pipeline.runs():
        written(tmp_path, run.name, range(4), {"call": 0.5, "operating": 0.9})
    assert [run.converged for run in load_runs(tmp_path, pipeline)[1]] == [True, False, True, False]


def test_load_runs_with_a_missing_run_names_its_folder(tmp_path: Path) -> None:
    *others, last = PIPELINE.runs()
    for run in others:
        written(tmp_path, run.name, range(4), {"call": 0.5, "operating": 0.9})
    with pytest.raises(PathgenError, match=f"{last.name}: holds no evaluated run"):
        load_runs(tmp_path, PIPELINE)


@pytest.mark.parametrize(
    ("name", "items", "thresholds", "message"),
    [
        ("nonsense", range(4), {"call": 0.5, "operating": 0.9}, "is not the name of a run"),
        ("synthetic-dcgan-2-cnn6-1", range(1, 5), {"call": 0.5, "operating": 0.9}, "other test patches"),
        ("synthetic-dcgan-2-cnn6-1", range(4), None, "thresholds"),
    ],
)
def test_load_runs_with_unsuitable_folder_raises(
    tmp_path: Path, name: str, items: range, thresholds: dict[str, float] | None, message: str
) -> None:
    written(tmp_path, "original-cnn6-1", range(4), {"call": 0.5, "operating": 0.9})
    written(tmp_path, name, items, thresholds)
    with pytest.raises(PathgenError, match=message):
        load_runs(tmp_path, PIPELINE)
    with pytest.raises(PathgenError, match="holds no evaluated run"):
        load_runs(tmp_path / "nothing", PIPELINE)


def test_cluster_patches_follows_the_cohort() -> None:
    slides, labels = np.array(["a", "b", "c"], object), np.array([0, 1, 1])
    known = pd.DataFrame({"slide": ["a", "b", "c"], "patient": ["x", None, "x"], "slide_known": True})
    assert (cluster_patches(slides, labels, known).unit, len(cluster_patches(slides, labels, known))) == (
        "patient",
        2,
    )
    mixed = known.assign(slide_known=[True, False, True])
    assert cluster_patches(slides, labels, mixed).unit == "patch"
