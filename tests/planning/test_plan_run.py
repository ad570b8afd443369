"""`pathgen plan` as typed: one real, quick run in a copy of the checkout, and its refusals."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from planned_study import CHECKOUT, study_with
from ruamel.yaml import YAML

from pathgen.classifier.discovery import code_digests
from pathgen.core.files import write_json
from pathgen.planning import reuse
from pathgen.planning.reuse import find_reuse
from pathgen.planning.study import read_study
from pathgen.tracking.dvc_api import StageState, new_project

QUICK = {"extract.size_px": 16, "train_gan.dcgan.width": 8, "compute.threads": 1, "compute.device": "cpu"}


def plan(*arguments: str, folder: Path = CHECKOUT) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    return subprocess.run(
        [sys.executable, "-c", "from pathgen.cli import main; main()", "plan", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(CHECKOUT), "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def listing(folder: Path) -> list[str]:
    files = (file for file in folder.rglob("*") if ".dvc" not in file.parts)
    return sorted(f"{file} {file.stat().st_mtime_ns}" for file in files)


@pytest.mark.pipeline
def test_quick_run_changes_nothing(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for part in ("pathgen", "stages"):
        shutil.copytree(CHECKOUT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(CHECKOUT / "dvc.yaml", checkout)
    YAML(typ="safe").dump(study_with(QUICK).params, checkout / "params.yaml")
    subprocess.run(["dvc", "init", "--no-scm", "--quiet"], cwd=checkout, check=True)
    before = listing(checkout)
    done = plan("--json", folder=checkout)
    assert done.returncode == 0, done.stderr
    assert "measuring generator dcgan" in done.stderr
    told = json.loads(done.stdout)
    rates = {name: rate["per_s"] for name, rate in told["rates"].items() if rate["origin"] == "measured"}
    networks = {f"{name} {done}" for name in ("dcgan", "dpdcgan") for done in ("trained", "drawn")}
    (searched,) = (name for name in rates if name.startswith("cnn6-tuned with ") and name.endswith("trained"))
    classifiers = {f"{name} {done}" for name in ("cnn6", searched[:-8]) for done in ("trained", "predicted")}
    assert set(rates) == {*networks, *classifiers, "phantom pixels"}
    assert searched.split()[2] in ("cnn6", "resnet18"), "the slower one, whichever it is here"
    assert told["tuning"]["seconds"] > 0
    assert min(rates.values()) > 1
    assert told["totals"]["seconds"] == told["totals"]["seconds_of_all"] > 0
    rows = {row["group"]: row for row in told["rows"]}
    assert rows["train_gan"]["work"] == {"dcgan trained": 100_000}
    assert {"compare", "report"} <= set(rows), "DVC's own list of stages is planned"
    assert listing(checkout) == before


def test_mistakes_in_settings_are_named_without_measuring(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = (CHECKOUT / "params.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("size_px: 32", "size_px: 33"), encoding="utf-8")
    done = plan(str(file))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {file}: extract.size_px: is 33")
    assert "measuring" not in done.stderr


def test_unknown_profile_is_refused_with_those_there_are() -> None:
    done = plan("nothing")
    assert done.returncode == 1
    assert "nothing: unknown profile. Choose one of: paper-camelyon16" in done.stderr


# From a library of DVC's, met when it orders the stages.
@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
def test_another_profile_is_asked_for_in_a_copy(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    YAML(typ="safe").dump(study_with({"pipeline.seeds": [4, 5]}).params, file)
    found = find_reuse(read_study(file), CHECKOUT)
    assert found.problem is None
    assert "train_original@cnn6-5" in found.stages
    assert "train_original@cnn6-1" not in found.stages
    assert found.to_run <= found.stages
    assert capfd.readouterr().out == "", "standard output is for the plan"


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")
def test_a_network_whose_code_has_changed_is_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, root = tmp_path / "mine.yaml", tmp_path / "checkout"
    study = study_with({"pipeline.seeds": [1]})
    YAML(typ="safe").dump(study.params, file)
    for part in ("pathgen", "stages"):
        (root / part).mkdir(parents=True)
    shutil.copy2(CHECKOUT / "dvc.yaml", root)
    shutil.copy2(file, root / "params.yaml")
    new_project(root)
    entry = root / "data" / "code" / "classifiers" / "cnn6.json"
    entry.parent.mkdir(parents=True)
    write_json(entry, {"module": "pathgen.classifier.networks.cnn6", "code": code_digests("cnn6")})
    # DVC's own account: all is up to date.
    states = {"check_params": (), "train_original@cnn6-1": (), "evaluate": ("train_original@cnn6-1",)}
    monkeypatch.setattr(
        reuse, "stage_states", lambda _: {name: StageState(reads, {}) for name, reads in states.items()}
    )
    assert find_reuse(read_study(file), root).to_run == frozenset()
    write_json(
        entry,
        {
            "module": "pathgen.classifier.networks.cnn6",
            "code": {"pathgen/classifier/networks/cnn6.py": "another"},
        },
    )
    assert find_reuse(read_study(file), root).to_run == {"train_original@cnn6-1", "evaluate"}
    entry.write_text("{")
    assert find_reuse(read_study(file), root).to_run == {"train_original@cnn6-1", "evaluate"}
