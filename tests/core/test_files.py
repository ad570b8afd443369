"""Atomic files and folders, locks, and errors on the command line."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError, PathgenErrors, cli_errors
from pathgen.core.files import atomic_folder, atomic_path, hold_lock, sha256_of, write_json


def test_atomic_path_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.txt"
    with atomic_path(target) as draft:
        draft.write_text("half")
        assert not target.exists()
        assert draft.parent == target.parent
    assert target.read_text() == "half"
    assert list(target.parent.iterdir()) == [target]


def test_atomic_path_with_an_error_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as draft:
        draft.write_text("new")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_atomic_folder_replaces_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "old").write_text("1")
    # Files of a killed process must not get into the new folder.
    (tmp_path / ".folder.partial").mkdir()
    (tmp_path / ".folder.partial" / "stale").write_text("1")
    with atomic_folder(target) as draft:
        (draft / "new").write_text("2")
        assert (target / "old").exists()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_atomic_folder_with_an_error_keeps_the_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "old").write_text("1")
    with pytest.raises(RuntimeError), atomic_folder(target):
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["old"]


def test_write_json_sorts_keys_and_refuses_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": 2})
    assert (tmp_path / "a.json").read_text() == '{\n  "a": 2,\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert "2" in (tmp_path / "a.json").read_text()


def test_sha256_of_equals_hashlib(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_hold_lock_in_a_second_process_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "stage.lock"
    code = (
        "import sys; from pathlib import Path; from pathgen.core.files import hold_lock\n"
        f"with hold_lock(Path({str(lock)!r}), 'x'): print('in', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "in\n"
    with pytest.raises(PathgenError, match="another process"), hold_lock(lock, "stage x"):
        pass
    other.kill()
    other.communicate()
    with hold_lock(lock, "stage x"):
        pass


def test_cli_errors_prints_one_line_per_problem(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [
        PathgenError("a.svs", "is\ntruncated.", "Copy it again."),
        PathgenError("b", "is empty", "Go"),
    ]
    with pytest.raises(SystemExit) as caught, cli_errors():
        raise PathgenErrors(problems)
    assert caught.value.code == 1
    expected = "error: a.svs: is truncated. Copy it again.\nerror: b: is empty. Go.\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EEXIST])
def test_cli_errors_names_the_file_of_a_failed_write(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, cli_errors():
        raise OSError(number, os.strerror(number), "/data/patches.npy")
    assert caught.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: /data/patches.npy: ")


def test_cli_errors_raises_failures_without_a_file() -> None:
    with pytest.raises(ConnectionResetError), cli_errors():
        raise ConnectionResetError


def test_atomic_folder_restores_a_folder_after_a_kill(tmp_path: Path) -> None:
    (tmp_path / ".made.old").mkdir()  # As a kill leaves it after the older folder was moved away.
    (tmp_path / ".made.old" / "file").write_text("kept")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "made"):
        raise ZeroDivisionError
    assert (tmp_path / "made" / "file").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
