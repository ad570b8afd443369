"""Results read from disk: absent is None, damaged is an error that names the file."""

import shutil
from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError
from pathgen.report.read_results import read_csv, read_runs


def test_runs_are_read_in_order_with_all_their_files(study: Path) -> None:
    runs = read_runs(study)
    assert [run.key.regime for run in runs] == ["original"] * 3 + ["mixed"] * 3 + ["synthetic"] * 3
    for run in runs:
        assert sum(count for _, count in run.confusion) == run.metrics["n"] == 40
        assert run.confusion.true_positive / 20 == pytest.approx(run.metrics["recall"])
        assert run.health is not None and run.per_slide is not None and run.reliability is not None


def test_damaged_file_of_a_run_is_named(study: Path, tmp_path: Path) -> None:
    shutil.copy(study / "params.yaml", tmp_path)
    (tmp_path / "results" / "evaluate" / "original-cnn6-1").mkdir(parents=True)
    with pytest.raises(PathgenError, match=r"metrics\.json"):
        read_runs(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(PathgenError, match=r"empty\.csv"):
        read_csv(tmp_path / "empty.csv")
