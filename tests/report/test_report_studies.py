"""The comparison, the optional studies and label fidelity as the page shows them."""

import json
from pathlib import Path
from typing import Any

import pytest

from pathgen.core.errors import PathgenError
from pathgen.report.comparison import (
    coverage_note,
    differences_tables,
    loss_against_original,
    on_synthetic_table,
    with_intervals,
)
from pathgen.report.load import Run, read_json
from pathgen.report.studies import read_study
from pathgen.report.tables import result_rows
from pathgen.run_matrix import RunKey

ROWS = result_rows(
    [
        Run(RunKey("original", None, "cnn6", 1), {"accuracy": 0.9}, None, None, None),
        *(
            Run(RunKey("synthetic", generator, "cnn6", 1), {"accuracy": value}, None, None, None)
            for generator, value in [("dcgan", 0.8), ("dcgan.2", 0.6)]
        ),
    ],
    0.95,
)
TEST: dict[str, Any] = {
    "unit": "slide",
    "count": 20,
    "resamples": 2000,
    "confidence": 0.95,
    "power": 0.8,
    "patches": 900,
}
PAIR: dict[str, Any] = {
    "classifier": "cnn6",
    "regime": "synthetic-dcgan",
    "against": "original",
    "metrics": {"accuracy": {"difference": -0.2, "low": -0.3, "high": -0.1}},
    "p_value": 0.0001,
    "p_adjusted": 0.0002,
    "minimum_difference": 0.034,
    "mcnemar": [{"generator": "dcgan.2", "seed": 1, "only_regime": 3, "only_against": 9, "p_value": 0.146}],
}
COMPARISON: dict[str, Any] = {
    "test": TEST,
    "regimes": [
        {"classifier": "cnn6", "regime": "original", "trainings": 1, "generators": 0, "metrics": {}},
        {
            "classifier": "cnn6",
            "regime": "synthetic-dcgan",
            "trainings": 2,
            "generators": 2,
            "metrics": {"accuracy": {"mean": 0.7, "low": 0.61, "high": 0.78}},
        },
    ],
    "differences": [PAIR],
}


def test_replicates_share_a_row_with_the_intervals_of_the_comparison() -> None:
    original, synthetic = with_intervals(ROWS, COMPARISON)
    assert (synthetic.name, len(synthetic.runs)) == ("synthetic-dcgan", 2)
    accuracy = synthetic.metrics["accuracy"]
    assert accuracy.mean == pytest.approx(0.7)
    assert (accuracy.low, accuracy.high) == (0.61, 0.78)
    # What the comparison could give no interval has none, not the narrower one over seeds.
    assert original.metrics["accuracy"].low is None
    assert with_intervals(ROWS, None) == ROWS


def test_a_difference_becomes_a_loss() -> None:
    loss = loss_against_original(COMPARISON, ROWS[1])
    assert loss is not None
    assert (loss.mean, loss.low, loss.high) == (0.2, 0.1, 0.3)
    assert loss_against_original(COMPARISON, ROWS[0]) is None
    assert loss_against_original(None, ROWS[1]) is None


def test_the_note_says_what_intervals_cover() -> None:
    assert "training of classifier and generator" in coverage_note(COMPARISON, ROWS)
    assert "say little" not in coverage_note(COMPARISON, ROWS)
    few = {**COMPARISON, "test": {**TEST, "count": 4}}
    assert "4 slides say little" in coverage_note(few, ROWS)
    of_patients = coverage_note({**COMPARISON, "test": {**TEST, "unit": "patient", "count": 6}}, ROWS)
    assert "drawn from the 6 test patients, each patient with all slides" in of_patients
    assert "6 patients say little" in of_patients
    assert "cover the choice of patients, and another" in of_patients
    unknown = {**COMPARISON, "test": {**TEST, "unit": "patch", "count": 900}}
    assert "too narrow" in coverage_note(unknown, ROWS)
    single = {**COMPARISON, "regimes": [{**one, "generators": 1} for one in COMPARISON["regimes"]]}
    assert "not another training of the generator" in coverage_note(single, ROWS)


def test_differences_stand_with_tests_and_what_can_be_seen() -> None:
    differences, mcnemar = differences_tables(COMPARISON)
    (line,) = differences.lines
    assert line[3:] == ["−0.200\n−0.300 to −0.100", "–", "–", "below 0.001", "3.4 points"]
    assert mcnemar.lines[0][3:] == ["1-dcgan.2", "3", "9", "0.146"]
    by_patient, _ = differences_tables({**COMPARISON, "test": {**TEST, "unit": "patient"}})
    assert "intervals over patients and trainings" in by_patient.caption
    assert differences_tables(None) == []


def test_label_fidelity_is_listed_by_run() -> None:
    table = on_synthetic_table({"dcgan.2-cnn6-tuned-3": {"n": 2000, "accuracy": 0.9}})
    assert table is not None
    assert list(table.lines[0][:4]) == ["dcgan.2", "cnn6-tuned", "3", "2,000"]
    assert on_synthetic_table({}) is None


def test_a_study_is_read_with_its_plots_or_is_not_there(study: Path, tmp_path: Path) -> None:
    scaling = read_study(study / "results" / "scaling", {})
    assert scaling is not None
    assert scaling.sentences == ["A made-up law holds."]
    assert scaling.pictures[0].alt == "A made-up curve"
    assert scaling.pictures[0].source.startswith("data:image/svg+xml;base64,")
    assert scaling.pictures[0].width == pytest.approx(5.4 * 96, abs=1)
    assert read_study(tmp_path, {}) is None


def test_a_study_made_from_an_earlier_state_says_so(tmp_path: Path) -> None:
    sentences, made_from = ["A law holds."], {"patches/test/patches.npy": "sha256:1", "generator": "sha256:2"}
    summary = tmp_path / "summary.json"
    summary.write_text(json.dumps({"sentences": sentences, "made_from": made_from}))

    def said(hashes: dict[str, str]) -> list[str]:
        study = read_study(tmp_path, hashes)
        assert study is not None
        return list(study.sentences)

    assert said({**made_from, "samples.parquet": "sha256:3"}) == sentences
    first, *others = said({**made_from, "generator": "sha256:4"})
    assert others == sentences
    assert first.startswith("This was made from an earlier state, other than what is there now: generator.")
    assert "generator, patches/test/patches.npy" in said({})[0], "what is gone has changed too"
    summary.write_text(json.dumps({"sentences": sentences}))
    assert "not written down" in said(made_from)[0]


@pytest.mark.parametrize("content", [None, "not a picture"])
def test_a_missing_or_damaged_plot_is_named(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "summary.json").write_text(json.dumps({"figures": ["curve.svg"]}))
    if content is not None:
        (tmp_path / "curve.svg").write_text(content)
    with pytest.raises(PathgenError, match=r"curve\.svg"):
        read_study(tmp_path, {})


def test_the_fabricated_comparison_is_complete(study: Path) -> None:
    found = read_json(study / "results" / "comparison" / "comparison.json")
    assert found is not None
    assert len(found["differences"]) == 3
