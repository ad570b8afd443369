import pytest
from tiny_project import Project

from pathgen.core.errors import PathgenError
from pathgen.tracking.dvc_api import data_hash, open_project, running_stage_key, stage_names
from pathgen.tracking.dvc_lock import locked_key, read_lock, stage_key


def test_key_computed_while_running_equals_the_key_from_the_lock(project: Project) -> None:
    lock = read_lock(project.root)
    assert set(lock) == {"prepare", "train_gan@dcgan-normal", "train_gan@dcgan-tumor"}
    for name, entry in lock.items():
        assert (project.root / "keys" / name).read_text() == locked_key(entry)
    assert len({locked_key(entry) for entry in lock.values()}) == len(lock)


def test_digests_equal_those_in_the_lock(project: Project) -> None:
    with open_project(project.root) as opened:
        for entry in read_lock(project.root).values():
            for data in [*entry["deps"], *entry["outs"]]:
                found = data_hash(opened, project.root / data["path"])
                assert found.digest == data["md5"]
                assert len(found.digest) <= 36
                assert (found.size, found.files) == (data["size"], data.get("nfiles"))


def test_digest_of_a_missing_input_is_an_error(project: Project) -> None:
    with open_project(project.root) as opened:
        with pytest.raises(PathgenError, match=r"absent: no such file or folder"):
            data_hash(opened, project.root / "absent")


def test_outside_dvc_there_is_no_key(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    with open_project(project.root) as opened:
        assert running_stage_key(opened) is None


def test_stage_that_dvc_addresses_with_its_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "train_gan@dcgan-tumor"
    monkeypatch.setenv("DVC_STAGE", f"../dvc.yaml:{name}")
    with open_project(project.root) as opened:
        assert running_stage_key(opened) == locked_key(read_lock(project.root)[name])


def test_unknown_stage_is_an_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "paint")
    with open_project(project.root) as opened:
        with pytest.raises(PathgenError, match="DVC_STAGE=paint"):
            running_stage_key(opened)


def test_stage_names_have_their_templates_resolved(project: Project) -> None:
    with open_project(project.root) as opened:
        assert stage_names(opened) == ["prepare", "train_gan@dcgan-normal", "train_gan@dcgan-tumor"]


def test_key_depends_on_everything_that_decides_and_on_no_order() -> None:
    key = stage_key("run", [("a", "1"), ("b", "2")], {"params.yaml": {"x": 1, "y": [1, 2]}})
    assert key == stage_key("run", [("b", "2"), ("a", "1")], {"params.yaml": {"y": [1, 2], "x": 1}})
    others = [
        stage_key("run it", [("a", "1"), ("b", "2")], {"params.yaml": {"x": 1, "y": [1, 2]}}),
        stage_key("run", [("a", "1"), ("b", "3")], {"params.yaml": {"x": 1, "y": [1, 2]}}),
        stage_key("run", [("a", "1"), ("c", "2")], {"params.yaml": {"x": 1, "y": [1, 2]}}),
        stage_key("run", [("a", "1"), ("b", "2")], {"params.yaml": {"x": 1, "y": [2, 1]}}),
        stage_key("run", [("a", "1"), ("b", "2")], {"params.yaml": {"x": True, "y": [1, 2]}}),
    ]
    assert len({key, *others}) == 6


def test_no_lock_file_means_nothing_has_run(tmp_path: pytest.TempPathFactory) -> None:
    assert read_lock(tmp_path) == {}  # type: ignore[arg-type]
