"""The answer in a sentence, and the measures written for a reader."""

import pytest

from pathgen.report import headline
from pathgen.report.load import Run
from pathgen.report.metric_table import measures, nested, write_value
from pathgen.report.tables import Row, result_rows
from pathgen.run_matrix import RunKey


def rows_of(original: list[float | None], synthetic: list[float | None]) -> list[Row]:
    runs = [
        Run(RunKey(regime, generator, "cnn6", seed), {"accuracy": value}, None, None, None)
        for regime, generator, values in [("original", None, original), ("synthetic", "dcgan", synthetic)]
        for seed, value in enumerate(values)
    ]
    return result_rows(runs, 0.95)


def only_sentence(original: list[float | None], synthetic: list[float | None]) -> str:
    (cost,) = headline.costs(rows_of(original, synthetic), 0.95)
    return headline.sentence(cost, 0.95)


def test_loss_is_paired_by_seed() -> None:
    # Each seed loses 0.2 give or take 0.01, though the seeds themselves differ far more.
    said = only_sentence([0.70, 0.80, 0.90], [0.50, 0.61, 0.69])
    assert "right on 60.0%" in said and "only, on 80.0%" in said
    assert "a loss of 20.0 percentage points (95% interval 17.5 to 22.5)" in said


def test_gain_is_called_a_gain() -> None:
    said = only_sentence([0.5, 0.5, 0.5], [0.60, 0.61, 0.62])
    assert "a gain of 11.0 percentage points (95% interval 8.5 to 13.5)" in said


def test_difference_across_zero_is_not_claimed() -> None:
    said = only_sentence([0.5, 0.7, 0.6], [0.6, 0.55, 0.62])
    assert "cannot be told from none" in said and "loss" not in said


def test_single_runs_have_no_interval() -> None:
    assert "4.0 percentage points lower; these runs give no interval" in only_sentence([0.74], [0.70])


def test_undefined_accuracy_is_not_compared() -> None:
    assert "undefined" in only_sentence([0.5], [None])


def test_regimes_without_a_common_seed_are_not_compared() -> None:
    runs = [
        Run(RunKey("original", None, "cnn6", 1), {"accuracy": 0.9}, None, None, None),
        Run(RunKey("synthetic", "dcgan", "cnn6", 2), {"accuracy": 0.8}, None, None, None),
    ]
    assert headline.costs(result_rows(runs, 0.95), 0.95) == []


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        (0.5, "cnn6 trained on synthetic patches (dcgan) is above that."),
        (0.59, "on 60.0% (95% interval 57.5 to 62.5), cannot be told from that."),
        (0.62, "on 60.0% (95% interval 57.5 to 62.5), cannot be told from that."),
        (0.7, "cnn6 trained on synthetic patches (dcgan) is below that."),
    ],
)
def test_colour_floor_is_said_as_far_as_the_interval_goes(baseline: float, words: str) -> None:
    row = rows_of([0.9] * 3, [0.59, 0.60, 0.61])[1]
    assert headline.beside_colour(row, baseline, 0.95).endswith(words)
    assert "was not run" in headline.beside_colour(row, None, 0.95)


@pytest.mark.parametrize(("baseline", "words"), [(0.5, "is above that"), (0.7, "is not above that")])
def test_colour_floor_beside_a_single_run_is_said_to_have_no_interval(baseline: float, words: str) -> None:
    row = rows_of([0.9], [0.6])[1]
    assert f"{words}, but these runs give no interval" in headline.beside_colour(row, baseline, 0.95)


def test_only_the_papers_data_and_sizes_are_comparable() -> None:
    assert headline.comparable(["camelyon16"], 35_000, 15_000) is None
    small = headline.comparable(["camelyon16"], 100, 15_000)
    assert small is not None and "100 training" in small
    drawn = headline.comparable(["phantom"], 35_000, 15_000)
    assert drawn is not None and "not tissue" in drawn
    assert headline.comparable([], None, None) is not None


def test_privacy_verdict_is_repeated() -> None:
    assert "not measured" in headline.privacy_sentences({})[0]
    assert headline.privacy_sentences({"dcgan": {"verdict": "it copies"}}) == ["Privacy of dcgan: it copies."]
    assert "without a verdict" in headline.privacy_sentences({"dcgan": {}})[0]
    harmless = {"dcgan": {"verdict": "no leakage found by these tests"}}
    assert headline.privacy_sentences(harmless)[0].startswith("No leak was found in the synthetic")


def test_keys_with_slashes_are_unfolded_in_any_order() -> None:
    expected = {"a": {"b": {"value": 1, "low": 0}}}
    assert nested({"a/b": 1, "a/b/low": 0}) == expected
    assert nested({"a/b/low": 0, "a/b": 1}) == expected
    assert nested({"a": {"b": 1, "b/low": 0}}) == expected


def test_measure_stands_beside_its_floor() -> None:
    content = {
        "x": 2.5,
        "x/low": 2.0,
        "x/high": 3.0,
        "x/floor": 1.0,
        "x/floor_low": 0.5,
        "x/floor_high": 1.5,
        "x/n": 7,
    }
    (line,) = measures(nested(content))
    assert (line.name, line.value, line.interval) == ("x", "2.5", "2 to 3")
    assert (line.beside, line.remark) == ("floor 1 (0.5 to 1.5)", "n 7")


def test_values_are_written_for_a_reader() -> None:
    assert [write_value(value) for value in (None, True, 12345, 0.123456, "a", [1, None])] == [
        "undefined",
        "yes",
        "12,345",
        "0.1235",
        "a",
        "1, undefined",
    ]
    assert write_value(list(range(9))) == "9 values, see the file"
