"""A journal that a writer left with half a line goes on with all that was whole."""

from pathlib import Path

import optuna
import pytest
from tuning_toy import toy_study

HALF = b'{"op_code":8,"worker_id":"a-1","trial_id":0,"user_at'


def values(study: optuna.Study) -> list[float | None]:
    return [trial.value for trial in study.get_trials()]


@pytest.mark.parametrize("half", [b"{", HALF, b"\xc3", HALF * 400])
def test_half_a_line_costs_nothing_that_was_whole(half: bytes, tmp_path: Path) -> None:
    file, address = tmp_path / "study.journal", f"journal:{tmp_path / 'study.journal'}"
    study = toy_study(tmp_path, address)
    study.tell(study.ask(), 0.25)
    whole = file.read_bytes()
    file.write_bytes(whole + half)
    later = toy_study(tmp_path, address)
    assert values(later) == [0.25]
    later.tell(later.ask(), 0.5)
    assert file.read_bytes().startswith(whole)
    assert values(toy_study(tmp_path, address)) == [0.25, 0.5]


def test_a_worker_that_goes_on_beside_one_that_left_half_a_line_loses_nothing(tmp_path: Path) -> None:
    file, address = tmp_path / "study.journal", f"journal:{tmp_path / 'study.journal'}"
    first, second = toy_study(tmp_path, address), toy_study(tmp_path, address)
    first.tell(first.ask(), 0.25)
    with file.open("ab") as stream:
        stream.write(HALF)
    second.tell(second.ask(), 0.5)
    first.tell(first.ask(), 0.75)
    assert values(first) == values(second) == values(toy_study(tmp_path, address)) == [0.25, 0.5, 0.75]


def test_a_journal_that_is_half_a_line_and_nothing_else_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "study.journal"
    file.write_bytes(HALF)
    study = toy_study(tmp_path, f"journal:{file}")
    study.tell(study.ask(), 0.5)
    assert values(toy_study(tmp_path, f"journal:{file}")) == [0.5]
