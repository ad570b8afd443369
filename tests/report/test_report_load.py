"""Results read from disk: absent is None, damaged is an error that names the file."""

from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError
from pathgen.report.read_results import read_csv, read_runs, run_key
from pathgen.run_matrix import Replicate


@pytest.mark.parametrize(
    "name", ["original", "mixed-cnn6-1", "original-1", "other-cnn6-1", "original-cnn6-x"]
)
def test_run_key_of_another_name_is_refused(name: str) -> None:
    with pytest.raises(PathgenError, match=name):
        run_key(name, {"dcgan": Replicate("dcgan", 0)})


def test_runs_are_read_in_order_with_all_their_files(study: Path) -> None:
    runs = read_runs(study)
    assert [run.key.regime for run in runs] == ["original"] * 3 + ["mixed"] * 3 + ["synthetic"] * 3
    for run in runs:
        assert sum(count for _, count in run.confusion) == run.metrics["n"] == 40
        assert run.confusion.true_positive / 20 == pytest.approx(run.metrics["recall"])
        assert run.roc is not None and run.per_slide is not None and run.reliability is not None


def test_candidates_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "results" / "evaluate" / "original-cnn6-1").mkdir(parents=True)
    with pytest.raises(PathgenError, match=r"metrics\.json"):
        read_runs(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(PathgenError, match=r"empty\.csv"):
        read_csv(tmp_path / "empty.csv")
