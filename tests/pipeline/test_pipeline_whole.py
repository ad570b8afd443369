"""The whole study: its outputs, a second run, a forced run, a new clone."""

import json
from pathlib import Path

import pytest
from factories.tiny_study import WRITTEN, Study, ran
from ruamel.yaml import YAML

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


def declared_outputs(root: Path) -> set[str]:
    """Return the paths of all outputs in dvc.lock."""
    stages = YAML(typ="safe").load(root / "dvc.lock")["stages"]
    return {out["path"] for stage in stages.values() for out in stage["outs"]}


def test_repro_runs_every_stage_once_and_leaves_its_outputs(finished):
    study, stages = finished.study, ran(finished.output)
    declared = study.run("dvc", "stage", "list", "--name-only").stdout.split()
    assert sorted(stages) == sorted(declared) == sorted(study.locked())
    assert [path for path in declared_outputs(study.root) if not (study.root / path).exists()] == []
    drafts = [path for name in ("data", "models", "results") for path in (study.root / name).rglob(".*")]
    assert drafts == []


def test_report_has_one_row_per_regime(finished):
    root = finished.study.root
    table = json.loads((root / "report/results.json").read_text())
    assert set(table["cnn6"]) == {"original", "mixed-dcgan", "synthetic-dcgan"}
    assert "<html" in (root / "report/index.html").read_text()


def test_metrics_of_dvc_are_the_headline_numbers(finished):
    shown = json.loads(finished.study.run("dvc", "metrics", "show", "--json").stdout)
    ((file, values),) = shown[""]["data"].items()
    assert file == "results/headline.json" and 3 <= len(values["data"]) <= 10
    assert "VERDICT on dcgan" in finished.study.run("pathgen", "verdict").stdout


def test_repro_changes_only_the_lock_and_the_results_in_git(finished):
    assert finished.study.untracked_and_changed() == WRITTEN


def test_second_repro_runs_nothing(finished):
    before = finished.study.lock()
    assert ran(finished.study.repro()) == []
    assert finished.study.lock() == before


def test_new_clone_pulls_everything_and_runs_nothing(copy, tmp_path):
    copy.run("dvc", "remote", "add", "--default", "folder", str(tmp_path / "remote"))
    copy.commit("Keep the results")
    copy.run("dvc", "push", "--quiet")
    copy.run("git", "clone", "--quiet", str(copy.root), str(tmp_path / "clone"))
    clone = Study(tmp_path / "clone")
    assert not (clone.root / "data").exists()
    clone.run("dvc", "pull", "--quiet")
    assert ran(clone.repro()) == []
    assert clone.lock() == copy.lock()
    assert clone.untracked_and_changed() == set()
    assert all((clone.root / path).exists() for path in declared_outputs(copy.root))


def test_forced_repro_makes_the_same_bytes(finished, copy):
    assert sorted(ran(copy.repro("--force"))) == sorted(finished.study.locked())
    assert copy.locked() == finished.study.locked()
    assert copy.lock() == finished.study.lock()
