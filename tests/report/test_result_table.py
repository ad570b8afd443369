"""The result table, its Markdown and JSON, and the numbers in it."""

import json
import math

import pandas as pd
import pytest
from factories.runs import CELLS, comparison, run

from pathgen.report.read_results import Run
from pathgen.report.report_page import slide_rows
from pathgen.report.result_table import result_rows, to_headline
from pathgen.run_matrix import RunKey
from pathgen.webpage.formatting import Estimate, ends, interval, number, p_value, signed, significant, typeset


def accuracy_of(*values: float | None) -> Estimate:
    rows = result_rows([run("mixed", seed, accuracy=one) for seed, one in enumerate(values)], comparison())
    return rows[0].metrics["accuracy"]


def test_undefined_value_is_never_zero() -> None:
    assert accuracy_of(None, math.nan).mean is None
    assert number(None) == number(math.nan) == significant(None) == "undefined"
    assert accuracy_of(None, 0.5, 0.7).mean == pytest.approx(0.6)
    assert interval(accuracy_of(0.5, None)) == "no interval, defined in 1 of 2 runs"


def test_interval_that_excludes_nothing_is_not_written() -> None:
    assert ends(0.0, 1.0) == interval(Estimate(0.5, 0.0, 1.0, 2, 2)) == "interval too wide"
    assert (ends(0.1, 0.9), ends(None, None)) == ("0.100 to 0.900", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (significant(12345), "12,345"),
        (significant(0.123456), "0.1235"),
        (significant(-0.5), "−0.5"),
        (significant(1e-15), "0"),
        (signed(-0.25, 1), "−0.2"),
        (p_value(0.0004), "below 0.001"),
        (p_value(None), "–"),
        (typeset("-2.0 points (95 % CI)"), "−2.0 points (95% CI)"),
    ],
)
def test_number_is_written_for_a_reader(text: str, expected: str) -> None:
    assert text == expected


def test_intervals_are_those_of_the_comparison() -> None:
    runs = [run("original", 1, accuracy=0.9), *(run("synthetic", seed, accuracy=0.7) for seed in (1, 2))]
    original, synthetic = result_rows(runs, comparison())
    assert synthetic.metrics["accuracy"].ends == (0.61, 0.78)
    # A metric without an interval in the comparison has none.
    assert original.metrics["accuracy"].ends is None


def test_rows_are_in_the_papers_order_with_its_values() -> None:
    runs = [
        run("synthetic", 1, accuracy=0.5),
        run("original", 2, accuracy=0.9),
        run("mixed", 1, accuracy=0.8),
        run("original", 1, accuracy=0.7),
    ]
    rows = result_rows(runs, comparison())
    assert [row.name for row in rows] == ["original", "mixed-dcgan", "synthetic-dcgan"]
    assert [one.key.seed for one in rows[0].runs] == [1, 2]
    assert rows[0].metrics["accuracy"].mean == pytest.approx(0.8)
    assert dict(rows[2].published) == {"accuracy": 0.59, "precision": 0.64, "recall": 0.44, "f1": 0.52}


def test_paper_has_no_values_of_other_networks() -> None:
    runs = [
        run("original", 1, classifier="resnet18", accuracy=0.9),
        run("mixed", 1, generator="other", accuracy=0.9),
    ]
    assert [dict(row.published) for row in result_rows(runs, comparison())] == [{}, {}]


def test_headline_record_holds_defined_numbers_only() -> None:
    table = to_headline(
        result_rows([run("original", 1, accuracy=0.9, precision=None)], comparison()), 0.6
    ).as_json()
    assert table == {
        "cnn6": {
            "original": {
                "runs": 1,
                "confusion": {"tp": 1, "fn": 2, "tn": 3, "fp": 4},
                "accuracy": {"mean": 0.9, "paper": 0.78},
                "precision": {"paper": 0.83},
                "recall": {"paper": 0.70},
                "f1": {"paper": 0.76},
            }
        },
        "mean_colour": {"original": {"accuracy": {"mean": 0.6}}},
    }
    json.dumps(table, allow_nan=False)


def test_confusion_is_summed_over_runs() -> None:
    (row,) = result_rows([run("original", 1), run("original", 2)], comparison())
    assert row.confusion.model_dump() == {name: 2 * count for name, count in CELLS}


def test_slides_are_averaged_over_runs() -> None:
    def of(seed: int, accuracy: float) -> Run:
        frame = pd.DataFrame(
            {"slide": ["b", "a"], "n": [10, 20], "n_tumor": [1, 2], "accuracy": [accuracy, 1.0]}
        )
        return Run(RunKey("original", None, "cnn6", seed), {}, CELLS, per_slide=frame)

    first, second = slide_rows(result_rows([of(1, 0.2), of(2, 0.4)], comparison()))
    assert first[:3] == ("a", 20, 2)
    assert second[3] == [pytest.approx(0.3)]
    assert slide_rows(result_rows([run("original", 1)], comparison())) == []
