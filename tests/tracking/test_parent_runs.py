"""Stages that share something are nested under one run, whichever of them comes first."""

from pathlib import Path

import pytest
from factories.dvc_project import Project

from pathgen.tracking.client import open_store
from pathgen.tracking.parents import Parent, nest_under
from pathgen.tracking.run import tracked_run


def point(number: int, shared: dict[str, int]) -> tuple[str, Parent]:
    with tracked_run("point", key=f"point {number}", item={"n": number}, parameters={}, inputs={}) as run:
        return run.run_id, nest_under(run, "curve", shared, experiment="pathgen")


def test_what_shares_something_is_under_one_parent(tracked: Project, tmp_path: Path) -> None:
    (first, parent), (second, same), (third, other) = (
        point(number, shared) for number, shared in ((1, {"steps": 5}), (2, {"steps": 5}), (3, {"steps": 6}))
    )
    assert parent.run_id == same.run_id != other.run_id
    client = open_store("pathgen").client
    tags = [client.get_run(run).data.tags["mlflow.parentRunId"] for run in (first, second, third)]
    assert tags == [parent.run_id, parent.run_id, other.run_id]

    picture = tmp_path / "curve.svg"
    picture.write_text("<svg/>")
    for error in (0.3, 0.2):
        parent.conclude({"scaling/c": error}, [picture], "It falls.")
    run = client.get_run(parent.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["scaling/c"] == pytest.approx(0.2)
    assert run.data.tags["mlflow.note.content"] == "It falls."
    assert [file.path for file in client.list_artifacts(parent.run_id)] == ["curve.svg", "shared.json"]
