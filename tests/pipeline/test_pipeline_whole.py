"""The whole study: its outputs, a second run, a forced run, a new clone."""

import json
import re
import time
from pathlib import Path

import pytest
from factories.tiny_study import Study, ran
from ruamel.yaml import YAML

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


def _declared_outputs(root: Path) -> set[str]:
    """The paths that dvc.lock says to have been made."""
    stages = YAML(typ="safe").load(root / "dvc.lock")["stages"]
    return {out["path"] for stage in stages.values() for out in stage["outs"]}


def test_every_stage_runs_once_and_leaves_its_outputs(finished):
    study, stages = finished.study, ran(finished.said)
    declared = study.run("dvc", "stage", "list", "--name-only").stdout.split()
    assert len(declared) > 15
    assert sorted(stages) == sorted(declared) == sorted(study.locked())
    missing = [path for path in _declared_outputs(study.root) if not (study.root / path).exists()]
    assert missing == []
    left = [path for name in ("data", "models", "results") for path in (study.root / name).rglob(".*")]
    assert left == []


def test_report_has_a_row_per_regime(finished):
    root = finished.study.root
    table = (root / "report/results.md").read_text().splitlines()
    rows = [line for line in table if "| cnn6 |" in line]
    assert [row.split("|")[3].strip() for row in rows] == ["1", "1", "1"]
    assert set(json.loads((root / "report/results.json").read_text())["cnn6"]) == {
        "original",
        "mixed-dcgan",
        "synthetic-dcgan",
    }
    assert "<html" in (root / "report/index.html").read_text()


def test_git_sees_only_the_lock_and_the_result_table(finished):
    assert finished.study.untracked_and_changed() == {
        "dvc.lock",
        "report/results.json",
        "report/results.md",
    }


def test_second_run_does_nothing(finished):
    before, begun = finished.study.lock(), time.monotonic()
    said = finished.study.repro()
    seconds = time.monotonic() - begun
    assert ran(said) == []
    assert "up to date" in said
    assert finished.study.lock() == before
    assert seconds < 15


def test_new_clone_pulls_everything_and_runs_nothing(copy, tmp_path):
    copy.run("dvc", "remote", "add", "--default", "folder", str(tmp_path / "remote"))
    copy.commit("Keep the results")
    copy.run("dvc", "push", "--quiet")
    copy.run("git", "clone", "--quiet", str(copy.root), str(tmp_path / "clone"))
    clone = Study(tmp_path / "clone")
    assert not (clone.root / "data").exists()
    clone.run("dvc", "pull", "--quiet")
    said = clone.repro()
    assert ran(said) == []
    assert clone.lock() == copy.lock()
    assert clone.untracked_and_changed() == set()
    assert all((clone.root / path).exists() for path in _declared_outputs(copy.root))


def test_forced_run_elsewhere_makes_the_same_bytes(finished, forced):
    study, process, log = forced
    process.wait(timeout=600)
    said = log.read_text()
    assert process.returncode == 0, said[-3000:]
    assert sorted(ran(said)) == sorted(finished.study.locked())
    changed = {
        name: entry for name, entry in study.locked().items() if entry != finished.study.locked()[name]
    }
    assert changed == {}
    assert study.lock() == finished.study.lock()
    # A folder that holds the page and nothing else; its bytes are in dvc.lock as well.
    assert re.search(r"path: report/index.html\n\s+hash: md5\n\s+md5: [0-9a-f]{32}", study.lock().decode())
