import json
import os

import pytest
from factories.dvc_project import Project

from pathgen.tracking.run_tags import flatten, git_tags, uncommitted_changes, version_tags


def test_flatten_nested_parameters_gives_dotted_names() -> None:
    given = {"gan": {"rate": 2e-4, "dcgan": {"width": 64}, "steps": [1, 2]}, "a": None, "gan.flat": True}
    assert flatten(given) == {
        "a": "None",
        "gan.dcgan.width": "64",
        "gan.flat": "True",
        "gan.rate": "0.0002",
        "gan.steps": "[1, 2]",
    }
    assert flatten(flatten(given)) == flatten(given)


def test_flatten_keeps_mappings_with_names_that_mlflow_refuses_whole() -> None:
    groups = {"Ignore*": "exclusion", "Tumor: Positive": "lesion", "a/../b": "ignore"}
    for given in ({name: groups[name]} for name in groups):
        flat = flatten({"index": {"groups": given, "none": {}}})
        assert flat == {"index.groups": json.dumps(given), "index.none": "{}"}
        assert flatten(flat) == flat


def test_git_tags_with_changed_sources_are_dirty(project: Project) -> None:
    code = project.root / "library" / "code.py"
    clean = git_tags(project.root)
    assert clean["git_dirty"] == "false"
    assert clean["git_commit"] == project.git("rev-parse", "HEAD").strip()
    lock = project.root / "dvc.lock"
    kept, kept_lock = code.read_text(), lock.read_text()
    try:
        (project.root / "untracked.txt").touch()
        lock.write_text(kept_lock + "# later\n")
        assert git_tags(project.root)["git_dirty"] == "false"
        assert uncommitted_changes(project.root) == ""
        code.write_text("x = 2\n")
        assert git_tags(project.root)["git_dirty"] == "true"
        assert "+x = 2" in uncommitted_changes(project.root)
    finally:
        code.write_text(kept)
        lock.write_text(kept_lock)
        (project.root / "untracked.txt").unlink()


def test_git_tags_outside_git_are_empty(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("bare")
    assert git_tags(folder) == {}


def test_version_tags_hold_no_host_name() -> None:
    tags = version_tags()
    assert {"version.pathgen", "version.torch", "version.mlflow", "version.dvc", "version.python"} <= set(
        tags
    )
    assert os.uname().nodename not in "".join(tags.values())
