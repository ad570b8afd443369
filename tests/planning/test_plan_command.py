"""`pathgen plan` in a checkout."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.profiles import compose_profile
from pathgen.planning.inputs import read_settings
from pathgen.provenance.code_hash import ROOT


def plan(*arguments: str, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    return subprocess.run(
        [sys.executable, "-c", "from pathgen.cli import main; main()", "plan", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_plan_missing_folder_is_the_first_and_only_answer(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = compose_profile("pcam").replace("root: data/raw/pcam", "root: nowhere/at/all")
    file.write_text(text, encoding="utf-8")
    done = plan(str(file))
    assert done.returncode == 1 and not done.stdout
    assert len(done.stderr.splitlines()) == 1 and "nowhere/at/all" in done.stderr


def test_plan_invalid_setting_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("size_px: 32", "size_px: 33"), encoding="utf-8")
    with pytest.raises(PathgenErrors, match="size_px"):
        read_settings(str(file), ROOT)


def test_plan_unknown_profile_is_refused() -> None:
    with pytest.raises(PathgenError, match="phantom"):
        read_settings("nothing", ROOT)


def test_plan_of_a_checkout_writes_nothing_and_names_every_stage(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for part in ("pathgen", "stages"):
        shutil.copytree(ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "dvc.yaml", checkout)
    shutil.copy2(ROOT / "params.yaml", checkout)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=checkout, check=True)

    def listing() -> list[str]:
        files = (file for file in checkout.rglob("*") if ".dvc" not in file.parts)
        return sorted(f"{file} {file.stat().st_mtime_ns}" for file in files)

    before = listing()
    done = plan("--json", folder=checkout)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert listing() == before
    assert {group["name"] for group in found["groups"]} >= {"cohort", "train_gan", "evaluate", "report"}
    assert all(group["to_run"] == group["stages"] > 0 for group in found["groups"])
    assert all(group["seconds"] is None for group in found["groups"])
