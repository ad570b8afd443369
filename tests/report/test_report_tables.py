"""The result table and the smaller ones."""

import json
import math

import pandas as pd
import pytest

from pathgen.report import reference_results
from pathgen.report.comparison import with_intervals
from pathgen.report.load import Run
from pathgen.report.per_slide import confusion_table, slide_table
from pathgen.report.tables import interval, json_table, markdown_table, number, result_rows, summarise
from pathgen.run_matrix import RunKey


def run(
    regime: str, seed: int, classifier: str = "cnn6", generator: str | None = None, **metrics: object
) -> Run:
    made_by = generator if regime == "original" else generator or "dcgan"
    return Run(RunKey(regime, made_by, classifier, seed), metrics, None, None, None)


def test_interval_is_students() -> None:
    summary = summarise([0.4, 0.5, 0.6], 0.95)
    # t(0.975, 2) = 4.302653, standard deviation 0.1, three runs
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert summary.mean == pytest.approx(0.5)
    assert (summary.low, summary.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_interval_of_a_share_stays_a_share() -> None:
    summary = summarise([0.8, 1.0], 0.95)
    assert (summary.low, summary.high) == (0.0, 1.0)
    assert summarise([-0.5, 0.9], 0.95, lowest=-1.0).low == -1.0


def test_undefined_is_never_zero() -> None:
    assert summarise([None, math.nan], 0.95).mean is None
    assert number(None) == "undefined" and number(math.nan) == "undefined"
    partly = summarise([None, 0.5, 0.7], 0.95)
    assert partly.mean == pytest.approx(0.6)
    assert "defined in 2 of 3 runs" in interval(partly)
    assert interval(summarise([0.5], 0.95)) == "no interval"
    assert interval(summarise([0.5, None], 0.95)) == "no interval, defined in 1 of 2 runs"


def test_a_run_without_a_metric_is_counted_also_where_the_comparison_gives_no_interval() -> None:
    runs = [run("original", seed, precision=value) for seed, value in enumerate([0.8, None, 0.7])]
    # The comparison leaves out a metric that is undefined in one of its trainings.
    compared = {"regimes": [{"classifier": "cnn6", "regime": "original", "metrics": {}}], "differences": []}
    rows = with_intervals(result_rows(runs, 0.95), compared)
    assert interval(rows[0].metrics["precision"]) == "no interval, defined in 2 of 3 runs"
    assert "0.750 (no interval, defined in 2 of 3 runs)" in markdown_table(rows, None)


def test_rows_are_in_the_papers_order_with_its_values_beside() -> None:
    runs = [
        run("synthetic", 1, accuracy=0.5),
        run("original", 2, accuracy=0.9),
        run("mixed", 1, accuracy=0.8),
        run("original", 1, accuracy=0.7),
    ]
    rows = result_rows(runs, 0.95)
    assert [row.name for row in rows] == ["original", "mixed-dcgan", "synthetic-dcgan"]
    assert [one.key.seed for one in rows[0].runs] == [1, 2]
    assert rows[0].metrics["accuracy"].mean == pytest.approx(0.8)
    assert dict(rows[2].published) == {"accuracy": 0.59, "precision": 0.64, "recall": 0.44, "f1": 0.52}


def test_paper_has_nothing_to_say_of_other_networks() -> None:
    rows = result_rows(
        [
            run("original", 1, classifier="resnet18", accuracy=0.9),
            run("mixed", 1, generator="other", accuracy=0.9),
        ],
        0.95,
    )
    assert [dict(row.published) for row in rows] == [{}, {}]
    assert reference_results.reference("original", None, "cnn6", "roc_auc") is None


def test_markdown_has_value_interval_and_paper() -> None:
    rows = result_rows([run("original", seed, accuracy=0.5 + seed / 10) for seed in (1, 2, 3)], 0.95)
    first = markdown_table(rows, 0.61).splitlines()[2]
    assert "| original patches | cnn6 | 3 | 0.700 (0.452 to 0.948) [paper 0.78] |" in first
    assert "undefined [paper 0.83]" in first
    assert "mean colour |  | 0.610 |" in markdown_table(rows, 0.61)


def test_what_was_not_run_says_so() -> None:
    table = markdown_table([], None)
    assert table.count("not run") == 6
    assert json_table([], None) == {}


def test_json_holds_defined_numbers_only() -> None:
    table = json_table(result_rows([run("original", 1, accuracy=0.9, precision=None)], 0.95), 0.6)
    assert table == {
        "cnn6": {
            "original": {
                "runs": 1,
                "accuracy": {"mean": 0.9, "paper": 0.78},
                "precision": {"paper": 0.83},
                "recall": {"paper": 0.70},
                "f1": {"paper": 0.76},
            }
        },
        "mean_colour": {"original": {"accuracy": {"mean": 0.6}}},
    }
    json.dumps(table, allow_nan=False)


def test_confusion_is_summed_and_unknown_if_one_is() -> None:
    cells = {"tp": 1, "fn": 2, "tn": 3, "fp": 4}
    known = Run(RunKey("original", None, "cnn6", 1), {}, cells, None, None)
    unknown = Run(RunKey("original", None, "cnn6", 2), {}, None, None, None)
    rows = result_rows([known, Run(unknown.key, {}, cells, None, None)], 0.95)
    assert rows[0].confusion == {"tp": 2, "fn": 4, "tn": 6, "fp": 8}
    table = confusion_table(rows)
    assert table is not None and table.lines[0][2:] == ["2", "4", "6", "8"]
    assert confusion_table(result_rows([known, unknown], 0.95)) is None


def test_slides_are_averaged_over_runs() -> None:
    def of(seed: int, accuracy: float) -> Run:
        frame = pd.DataFrame(
            {"slide": ["b", "a"], "n": [10, 20], "n_tumor": [1, 2], "accuracy": [accuracy, 1.0]}
        )
        return Run(RunKey("original", None, "cnn6", seed), {}, None, None, frame)

    table = slide_table(result_rows([of(1, 0.2), of(2, 0.4)], 0.95), 0.95)
    assert table is not None
    assert [line[:3] for line in table.lines] == [["a", "20", "2"], ["b", "10", "1"]]
    assert table.lines[1][3].startswith("0.300\n0.000 to")
    assert slide_table(result_rows([run("original", 1)], 0.95), 0.95) is None
