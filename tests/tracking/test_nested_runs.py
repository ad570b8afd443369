"""Runs nested under the run of another process."""

import pytest
from factories.dvc_project import Project

from pathgen.core.errors import PathgenError
from pathgen.tracking.client import open_store
from pathgen.tracking.nested import nested_run
from pathgen.tracking.run import tracked_run


def test_nested_run_has_its_parent_and_its_own_status(tracked: Project) -> None:
    with tracked_run("search", key="search", item={}, parameters={}, inputs={}) as parent:
        with pytest.raises(RuntimeError):
            with nested_run(parent.run_id, "trial 1", parameters={}, tags={}) as failed:
                raise RuntimeError("no")
        with nested_run(parent.run_id, "trial 2", parameters={"a": {"rate": 0.1}}, tags={"n": 1}) as finished:
            finished.metrics({"train/loss": 0.5}, 2)
    client = open_store("pathgen").client
    run = client.get_run(finished.run_id)
    assert run.data.tags["mlflow.parentRunId"] == parent.run_id
    assert (run.info.run_name, run.info.status, run.data.tags["n"]) == ("trial 2", "FINISHED", "1")
    assert run.data.params == {"a.rate": "0.1"}
    assert run.data.metrics == {"train/loss": 0.5}
    assert client.get_run(failed.run_id).info.status == "FAILED"


def test_nested_run_without_a_parent_is_refused(tracked: Project) -> None:
    with pytest.raises(PathgenError, match="MLFLOW_TRACKING_URI"):
        with nested_run("0" * 32, "trial 1", parameters={}, tags={}):
            pytest.fail("must not begin")
