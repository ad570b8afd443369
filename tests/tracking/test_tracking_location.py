from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError
from pathgen.tracking.uri import find_location, main_checkout, ui_command


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "params.yaml").touch()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    return tmp_path


def test_find_location_is_a_database_in_the_checkout(checkout: Path) -> None:
    found = find_location()
    assert found.uri == f"sqlite:///{checkout}/mlflow.db"
    assert found.artifacts == checkout / "mlruns"


def test_main_checkout_is_that_of_dvc(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(checkout / "main"))
    assert main_checkout() == checkout / "main"
    assert find_location().uri == f"sqlite:///{checkout}/main/mlflow.db"


def test_find_location_of_a_relative_database(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other/runs.db")
    found = find_location()
    assert found.uri == f"sqlite:///{checkout}/other/runs.db"
    assert found.artifacts == checkout / "other" / "mlruns"


def test_find_location_of_a_server_hides_password(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://ann:secret@tracking.example.org:5000/a")
    found = find_location()
    assert found.uri == "https://ann:secret@tracking.example.org:5000/a"
    assert found.name == "https://tracking.example.org:5000/a"
    assert found.artifacts is None
    assert "secret" not in ui_command()


def test_main_checkout_outside_a_checkout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    marks = ("dvc.yaml", "params.yaml", ".git")
    if any((folder / mark).exists() for folder in tmp_path.parents for mark in marks):
        pytest.skip("the temporary folder is inside a checkout")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PathgenError, match="not inside a checkout"):
        main_checkout()


def test_ui_command_names_the_store(checkout: Path) -> None:
    command = ui_command()
    assert f"--backend-store-uri sqlite:///{checkout}/mlflow.db" in command
    assert "--host 127.0.0.1" in command
    assert "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false" in command
