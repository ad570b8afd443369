"""A store holds absolute paths: from a copied or moved checkout nothing may be written to the old one."""

import re
import shutil
from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError
from pathgen.provenance.code_hash import ROOT
from pathgen.tracking.client import open_store
from pathgen.tracking.mlflow_import import MlflowClient
from pathgen.tracking.run import StageFacts, tracked_run

_PARAMS = "tracking: {experiment: pathgen, system_metrics: false, system_metrics_interval_s: 10.0}\n"


def _enter(root: Path, monkeypatch: pytest.MonkeyPatch, uri: str | None = None) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("DVC_ROOT", str(root))
    for name in ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    if uri is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)


def _record() -> str:
    with tracked_run(StageFacts("cohort", "key", {}, {}, {})) as run:
        run.text("note.txt", "x")
    return run.run_id


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables, which take seconds to create."""
    database = tmp_path_factory.mktemp("empty") / "mlflow.db"
    MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture
def first(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one recorded run."""
    # MLflow writes it itself; setenv first, so that what it wrote is undone.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "to be removed")
    root = tmp_path / "first"
    root.mkdir()
    (root / "params.yaml").write_text(_PARAMS)
    shutil.copy(empty, root)
    _enter(root, monkeypatch)
    _record()
    return root


@pytest.mark.parametrize("how", [shutil.copytree, shutil.move])
def test_store_of_a_copied_or_moved_checkout_is_refused(
    first: Path, how: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = first.parent / "second"
    how(first, second)  # type: ignore[operator]
    before = sorted(first.rglob("*"))
    _enter(second, monkeypatch)
    with pytest.raises(PathgenError, match=rf"in {first}/mlruns, .*tracking\.experiment") as refused:
        _record()
    assert len(str(refused.value).splitlines()) == 1
    assert sorted(first.rglob("*")) == before

    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "a new name")
    run = _record()
    assert list(second.glob(f"mlruns/**/{run}/artifacts/note.txt"))
    assert sorted(first.rglob("*")) == before


def test_documented_correction_moves_all_locations(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = first.parent / "second"
    shutil.copytree(first, second)
    _enter(second, monkeypatch)
    page = (ROOT / "docs" / "tracking.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^python - <<'EOF'\n(.*?)^EOF$", page, re.M | re.S)
    code = code.replace("/home/ann/first", str(first)).replace("/home/ann/second", str(second))
    exec(compile(code, "docs", "exec"), {})
    run = _record()
    assert list(second.glob(f"mlruns/**/{run}/artifacts/note.txt"))
    client = MlflowClient(open_store().location.uri)
    uris = {found.info.artifact_uri for found in client.search_runs([open_store().experiment_id])}
    assert len(uris) == 2
    assert all(uri.startswith(f"{second}/mlruns") for uri in uris)


def test_copied_database_at_another_place_in_the_checkout_is_refused(
    first: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first / "stores").mkdir()
    shutil.copy(empty, first / "stores" / "runs.db")
    _enter(first, monkeypatch, "sqlite:///stores/runs.db")
    _record()
    inner = first / "copies" / "inner"
    shutil.copytree(first / "stores", inner / "stores")
    (inner / "params.yaml").write_text(_PARAMS)
    _enter(inner, monkeypatch, "sqlite:///stores/runs.db")
    with pytest.raises(PathgenError, match=f"artifacts in {first}/stores/mlruns"):
        _record()


def test_checkout_under_a_link_and_a_linked_artifact_folder_are_used(
    first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_disk, link = first.parent / "large_disk", first.parent / "link"
    shutil.move(first / "mlruns", large_disk)
    (first / "mlruns").symlink_to(large_disk)
    link.symlink_to(first)
    _enter(link, monkeypatch)
    run = _record()
    assert list(large_disk.glob(f"**/{run}/artifacts/note.txt"))


def test_artifacts_in_an_object_store_are_used(first: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MlflowClient(f"sqlite:///{first}/mlflow.db").create_experiment("cloud", "s3://bucket/runs")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "cloud")
    assert open_store().experiment_id
