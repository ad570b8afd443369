import pytest
from factories.dvc_project import Project

from pathgen.core.errors import PathgenError
from pathgen.tracking.dvc_api import (
    StageState,
    data_hash,
    downstream,
    find_stage,
    locked_key,
    open_project,
    read_lock,
    stage_key,
    stage_names,
)


def test_key_of_a_running_stage_equals_the_key_in_the_lock(project: Project) -> None:
    lock = read_lock(project.root)
    assert set(lock) == {"prepare", "train_gan@dcgan-normal", "train_gan@dcgan-tumor"}
    for name, entry in lock.items():
        assert (project.root / "keys" / name).read_text() == locked_key(entry)
    assert len({locked_key(entry) for entry in lock.values()}) == len(lock)


def test_data_hash_equals_the_hash_in_the_lock(project: Project) -> None:
    with open_project(project.root) as opened:
        for entry in read_lock(project.root).values():
            for data in [*entry["deps"], *entry["outs"]]:
                found = data_hash(opened, project.root / data["path"])
                assert found.digest == data["md5"]
                assert len(found.digest) <= 36
                assert (found.size, found.files) == (data["size"], data.get("nfiles"))


def test_data_hash_of_a_missing_input_is_refused(project: Project) -> None:
    with open_project(project.root) as opened:
        with pytest.raises(PathgenError, match=r"absent: no such file or folder"):
            data_hash(opened, project.root / "absent")


def test_find_stage_by_command_gives_the_key_in_the_lock(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    with open_project(project.root) as opened:
        found = find_stage(opened, "python stage.py models/dcgan-tumor")
        assert found.name == "train_gan@dcgan-tumor"
        assert found.key == locked_key(read_lock(project.root)[found.name])
        assert set(found.deps) == {"stage.py", "library/code.py", "data/prepared"}
        assert found.params["params.yaml"]["gan.rate"] == 2e-4
        with pytest.raises(PathgenError, match="not the command"):
            find_stage(opened, "python stage.py elsewhere")


def test_find_stage_by_an_address_with_a_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "train_gan@dcgan-tumor"
    monkeypatch.setenv("DVC_STAGE", f"../dvc.yaml:{name}")
    with open_project(project.root) as opened:
        assert find_stage(opened, "").key == locked_key(read_lock(project.root)[name])


def test_find_stage_by_an_unknown_name_fails(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "paint")
    with open_project(project.root) as opened:
        with pytest.raises(PathgenError, match="DVC_STAGE=paint"):
            find_stage(opened, "")


def test_stage_names_are_resolved(project: Project) -> None:
    with open_project(project.root) as opened:
        assert stage_names(opened) == ["prepare", "train_gan@dcgan-normal", "train_gan@dcgan-tumor"]


def test_stage_key_depends_on_content_and_not_on_order() -> None:
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


def test_read_lock_without_a_file_is_empty(tmp_path: pytest.TempPathFactory) -> None:
    assert read_lock(tmp_path) == {}  # type: ignore[arg-type]


def test_downstream_follows_readers_to_the_end() -> None:
    readers = {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    states = {name: StageState(reads_from, {}) for name, reads_from in readers.items()}
    assert downstream(states, {"b"}) == {"b", "c"}
