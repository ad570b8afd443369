"""Reading the results from disk: absent is None, damaged is an error that names the file."""

from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError
from pathgen.report.load import key_of, read_csv, read_json, read_runs
from pathgen.run_matrix import RunKey


def test_run_names_are_parsed() -> None:
    assert key_of("original-cnn6-3") == RunKey("original", None, "cnn6", 3)
    assert key_of("mixed-dcgan-cnn6-12") == RunKey("mixed", "dcgan", "cnn6", 12)
    assert key_of("synthetic-dcgan.2-cnn6-tuned-1") == RunKey("synthetic", "dcgan.2", "cnn6-tuned", 1)
    assert key_of("original-cnn6-tuned-1") == RunKey("original", None, "cnn6-tuned", 1)


@pytest.mark.parametrize(
    "name", ["original", "mixed-cnn6-1", "original-1", "other-cnn6-1", "original-cnn6-x"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(PathgenError, match=name):
        key_of(name)


def test_runs_are_read_with_what_they_have(study: Path) -> None:
    runs = read_runs(study / "results" / "evaluate")
    assert [run.key.regime for run in runs] == ["original"] * 3 + ["mixed"] * 3 + ["synthetic"] * 3
    for run in runs:
        assert run.confusion is not None and sum(run.confusion.values()) == run.metrics["n"] == 40
        right = run.confusion["tp"] + run.confusion["tn"]
        assert right / 40 == pytest.approx(run.metrics["accuracy"])
        assert run.confusion["tp"] / 20 == pytest.approx(run.metrics["recall"])
        assert run.roc is not None and run.per_slide is not None


def test_absent_is_none(tmp_path: Path) -> None:
    assert read_runs(tmp_path / "absent") == []
    assert read_json(tmp_path / "absent.json") is None
    assert read_csv(tmp_path / "absent.csv") is None
    folder = tmp_path / "original-cnn6-1"
    folder.mkdir()
    (folder / "metrics.json").write_text('{"accuracy": 0.5}')
    (run,) = read_runs(tmp_path)
    assert run.roc is None and run.per_slide is None and run.confusion is None


def test_damaged_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "original-cnn6-1"
    folder.mkdir()
    with pytest.raises(PathgenError, match=r"metrics\.json: no such file"):
        read_runs(tmp_path)
    (folder / "metrics.json").write_text('{"accuracy": ')
    with pytest.raises(PathgenError, match=r"metrics\.json: not readable as JSON"):
        read_runs(tmp_path)
    (folder / "metrics.json").write_text("[1]")
    with pytest.raises(PathgenError, match="not a JSON object"):
        read_runs(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(PathgenError, match=r"empty\.csv"):
        read_csv(tmp_path / "empty.csv")
