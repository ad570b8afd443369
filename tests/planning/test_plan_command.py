"""`pathgen plan` in a checkout."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from dvc.repo import Repo
from typer.testing import CliRunner

from pathgen.cli import app
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.profiles import compose_profile
from pathgen.planning.plan import make_plan
from pathgen.provenance.code_hash import ROOT


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in a folder."""

    def run(*arguments: str, folder: Path) -> Result:
        monkeypatch.chdir(folder)
        monkeypatch.delenv("DVC_ROOT", raising=False)
        return CliRunner().invoke(app, ["plan", *arguments])

    return run


def test_plan_missing_folder_is_the_first_and_only_answer(
    tmp_path: Path, plan: Callable[..., Result]
) -> None:
    file = tmp_path / "mine.yaml"
    text = compose_profile("pcam").replace("root: data/raw/pcam", "root: nowhere/at/all")
    file.write_text(text, encoding="utf-8")
    done = plan(str(file), folder=ROOT)
    assert done.exit_code == 1 and not done.stdout
    assert len(done.stderr.splitlines()) == 1 and "nowhere/at/all" in done.stderr


def test_plan_invalid_setting_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("size_px: 32", "size_px: 33"), encoding="utf-8")
    with pytest.raises(PathgenErrors, match="size_px"):
        make_plan(str(file), ROOT)


def test_plan_unknown_profile_is_refused() -> None:
    with pytest.raises(PathgenError, match="phantom"):
        make_plan("nothing", ROOT)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a library that DVC uses
def test_plan_of_a_checkout_writes_nothing_and_names_every_stage(
    tmp_path: Path, plan: Callable[..., Result]
) -> None:
    for part in ("pathgen", "stages"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("dvc.yaml", "params.yaml"):
        shutil.copy2(ROOT / file, tmp_path)
    Repo.init(str(tmp_path), no_scm=True).close()

    def listing() -> list[str]:
        files = (file for file in tmp_path.rglob("*") if ".dvc" not in file.parts)
        return sorted(f"{file} {file.stat().st_mtime_ns}" for file in files)

    before = listing()
    done = plan("--json", folder=tmp_path)
    assert done.exit_code == 0, done.stderr
    assert listing() == before
    groups = json.loads(done.stdout)["groups"]
    assert {group["name"] for group in groups} >= {"cohort", "train_gan", "evaluate", "report"}
    assert all(group["to_run"] == group["stages"] > 0 and group["seconds"] is None for group in groups)
