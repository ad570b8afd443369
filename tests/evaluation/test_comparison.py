"""Regimes compared on the same patches: what is grouped, paired and tested."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json
from pathgen.evaluation.compare import compare, differences_table, regimes_table
from pathgen.evaluation.load import EvaluatedRun, TestPatches, has_slides, load_runs, slide_patients
from pathgen.patches.parquet import write_table
from pathgen.run_matrix import RunKey

CHOSEN: dict[str, Any] = {
    "slides_known": True,
    "patients": {},
    "confidence": 0.95,
    "resamples": 400,
    "seed": 1,
    "power": 0.8,
}
SKILL = {"original": 1.2, "mixed": 1.1, "synthetic": 0.4}


def made_up(replicates: int = 1, slides: int = 16) -> tuple[TestPatches, list[EvaluatedRun]]:
    rng = np.random.default_rng(3)
    names = np.repeat([f"s{number:02d}" for number in range(slides)], 60).astype(object)
    labels = (
        np.where(np.arange(slides)[:, None] < slides // 2, np.arange(60) < 30, False).ravel().astype(np.int64)
    )
    hard = np.repeat(rng.normal(0, 0.4, slides), 60)
    runs = []
    for regime, skill in SKILL.items():
        generators = [None] if regime == "original" else ["dcgan", "dcgan.2", "dcgan.3"][:replicates]
        for generator in generators:
            shift = 0.0 if generator is None else rng.normal(0, 0.3)
            for seed in (1, 2, 3):
                logits = (skill + shift) * (2 * labels - 1) + hard + rng.normal(size=len(labels))
                key = RunKey(regime, generator, "cnn6-tuned", seed)
                runs.append(EvaluatedRun(key, 1 / (1 + np.exp(-logits)), 0.5, 0.7))
    return TestPatches(names, labels), runs


def test_regimes_are_compared_in_pairs_with_adjusted_p_values() -> None:
    test, runs = made_up()
    found = compare(test, runs, **CHOSEN)
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
    means = regimes_table(found)
    assert set(means["metric"]) >= {"accuracy", "roc_auc", "operating_recall"}
    assert (means["low"] < means["mean"]).all()
    assert (means["mean"] < means["high"]).all()
    assert len(differences_table(found)) == 3 * 9


def test_replicates_of_a_generator_are_one_regime_and_widen_its_interval() -> None:
    test, runs = made_up(replicates=3)
    found = compare(test, runs, **CHOSEN)
    assert [(one["regime"], one["trainings"], one["generators"]) for one in found["regimes"]] == [
        ("original", 3, 0),
        ("mixed-dcgan", 9, 3),
        ("synthetic-dcgan", 9, 3),
    ]
    (pair,) = [one for one in found["differences"] if one["against"] == "mixed-dcgan"]
    # Each replicate against the same one of the other regime, with each seed.
    assert len(pair["mcnemar"]) == 9
    alone = compare(test, [run for run in runs if run.key.generator in (None, "dcgan")], **CHOSEN)
    errors = [one["regimes"][2]["metrics"]["accuracy"]["error_trainings"] for one in (found, alone)]
    assert errors[0] > 2 * errors[1]


def test_trainings_that_differ_alike_in_both_regimes_do_not_blur_the_difference() -> None:
    test, runs = made_up()
    chosen = []
    for run in runs:
        if run.key.regime == "original":
            # Later seeds are worse, by far; in each, the other regime gets the same 20 patches wrong besides.
            right = test.labels == 1
            wrong = np.arange(len(right)) % 8 < run.key.seed
            for key, from_end in (
                (run.key, 0),
                (RunKey("synthetic", "dcgan", "cnn6-tuned", run.key.seed), 160),
            ):
                called = right ^ (
                    wrong | (np.arange(len(right)) % 8 == 7) & (np.arange(len(right)) < from_end)
                )
                chosen.append(EvaluatedRun(key, np.where(called, 0.9, 0.1), 0.5, 0.7))
    found = compare(test, chosen, **CHOSEN)
    (difference,) = found["differences"]
    assert difference["metrics"]["accuracy"]["difference"] == pytest.approx(-20 / 960)
    assert found["regimes"][0]["metrics"]["accuracy"]["error_trainings"] > 0.05
    assert difference["metrics"]["accuracy"].get("error_trainings", 0) < 1e-9


def test_which_regime_is_named_first_does_not_matter() -> None:
    test, runs = made_up(replicates=3)

    def named(run: EvaluatedRun, kind: str) -> EvaluatedRun:
        _, point, number = (run.key.generator or "").partition(".")
        return replace(run, key=replace(run.key, regime="synthetic", generator=f"{kind}{point}{number}"))

    def difference(kind_of_three: str, kind_of_one: str) -> dict[str, Any]:
        three = [named(run, kind_of_three) for run in runs if run.key.regime == "synthetic"]
        one = [
            named(run, kind_of_one)
            for run in runs
            if (run.key.regime, run.key.generator) == ("mixed", "dcgan")
        ]
        (found,) = compare(test, [*three, *one], **CHOSEN)["differences"]
        return found

    first, second = difference("dcgan", "stylegan2"), difference("stylegan2", "dcgan")
    assert (first["regime"], second["against"]) == ("synthetic-stylegan2", "synthetic-dcgan")
    for metric, measured in first["metrics"].items():
        swapped = second["metrics"][metric]
        assert measured["difference"] == pytest.approx(-swapped["difference"])
        assert measured["error_trainings"] == pytest.approx(swapped["error_trainings"])
    assert first["p_value"] == pytest.approx(second["p_value"])
    assert first["minimum_difference"] == pytest.approx(second["minimum_difference"])


def test_the_smallest_difference_is_that_of_the_test_beside_it() -> None:
    test, runs = made_up(replicates=3)
    alone = [run for run in runs if run.key.seed == 1 and run.key.generator in (None, "dcgan")]
    single, several = (compare(test, chosen, **CHOSEN)["differences"][1] for chosen in (alone, runs))
    for pair in (single, several):
        accuracy = pair["metrics"]["accuracy"]
        # An interval is narrower than what is found with more than even odds at the same level.
        assert pair["minimum_difference"] > (accuracy["high"] - accuracy["low"]) / 2


def test_without_slides_patches_are_drawn_and_it_is_said() -> None:
    test, runs = made_up()
    by_patch = compare(test, runs, **CHOSEN | {"slides_known": False})
    assert (by_patch["test"]["unit"], by_patch["test"]["count"]) == ("patch", 960)
    by_slide = compare(test, runs, **CHOSEN)
    errors = [one["regimes"][0]["metrics"]["recall"]["error_slides"] for one in (by_patch, by_slide)]
    assert errors[0] < 0.8 * errors[1]


def test_slides_of_a_patient_are_drawn_together_in_means_and_differences() -> None:
    test, runs = made_up()
    by_slide = compare(test, runs, **CHOSEN)
    patients = {slide: f"p{int(slide[1:]) // 2}" for slide in np.unique(test.slides)}
    by_patient = compare(test, runs, **CHOSEN | {"patients": patients})
    assert (by_slide["test"]["unit"], by_slide["test"]["count"]) == ("slide", 16)
    assert (by_patient["test"]["unit"], by_patient["test"]["count"]) == ("patient", 8)
    joined = replace(test, slides=np.array([patients[slide] for slide in test.slides], object))
    as_slides = compare(joined, runs, **CHOSEN)
    for part in ("regimes", "differences"):
        assert by_patient[part] == as_slides[part] != by_slide[part]


def test_patients_who_all_have_one_slide_change_nothing() -> None:
    test, runs = made_up()
    alone = {slide: f"patient of {slide}" for slide in np.unique(test.slides)[::2]}
    assert compare(test, runs, **CHOSEN | {"patients": alone}) == compare(test, runs, **CHOSEN)


def test_single_trainings_have_intervals_over_slides_alone() -> None:
    test, runs = made_up()
    found = compare(test, [run for run in runs if run.key.seed == 1], **CHOSEN)
    accuracy = found["differences"][0]["metrics"]["accuracy"]
    assert "low" in accuracy
    assert "error_trainings" not in accuracy


def written(folder: Path, name: str, items: range, thresholds: dict[str, float] | None) -> None:
    frame = pd.DataFrame(
        {"slide": "a", "item": list(items), "label": ["tumor", "normal"] * (len(items) // 2)}
    )
    write_table(frame.assign(score=0.5, predicted="tumor"), folder / name / "predictions.parquet")
    write_json(folder / name / "metrics.json", {} if thresholds is None else {"thresholds": thresholds})


def test_runs_are_read_back(tmp_path: Path) -> None:
    for name in ("original-cnn6-1", "synthetic-dcgan.2-cnn6-tuned-1"):
        written(tmp_path, name, range(4), {"call": 0.5, "operating": 0.9})
    test, runs = load_runs(tmp_path)
    assert list(test.labels) == [1, 0, 1, 0]
    assert [run.key for run in runs] == [
        RunKey("original", None, "cnn6", 1),
        RunKey("synthetic", "dcgan.2", "cnn6-tuned", 1),
    ]
    assert runs[1].key.row == "synthetic-dcgan"
    assert runs[0].operating_threshold == 0.9


@pytest.mark.parametrize(
    ("name", "items", "thresholds", "said"),
    [
        ("nonsense", range(4), {"call": 0.5, "operating": 0.9}, "is not the name of a run"),
        ("synthetic-dcgan-cnn6-1", range(1, 5), {"call": 0.5, "operating": 0.9}, "other test patches"),
        ("synthetic-dcgan-cnn6-1", range(4), None, "thresholds"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, name: str, items: range, thresholds: dict[str, float] | None, said: str
) -> None:
    written(tmp_path, "original-cnn6-1", range(4), {"call": 0.5, "operating": 0.9})
    written(tmp_path, name, items, thresholds)
    with pytest.raises(PathgenError, match=said):
        load_runs(tmp_path)
    with pytest.raises(PathgenError, match="holds no evaluated run"):
        load_runs(tmp_path / "nothing")


def test_slides_are_known_when_all_are() -> None:
    assert has_slides(pd.DataFrame({"slide_known": [True, True]}))
    assert not has_slides(pd.DataFrame({"slide_known": [True, False]}))


def test_a_patient_is_known_where_the_cohort_names_one() -> None:
    cohort = pd.DataFrame({"slide": ["a", "b", "c"], "patient": ["x", None, "x"]})
    assert slide_patients(cohort) == {"a": "x", "c": "x"}
