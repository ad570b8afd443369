"""Runs nested under a stage's run, opened by any process, and gone on with after a kill."""

import pytest
from tiny_project import Project

from pathgen.core.errors import PathgenError
from pathgen.tracking.children import child_run
from pathgen.tracking.client import open_store
from pathgen.tracking.run import tracked_stage


def test_child_is_nested_and_goes_on_after_a_failure(tracked: Project) -> None:
    with tracked_stage("search", parameters={}, tags={}, inputs=[], run_name="search") as parent:
        with pytest.raises(RuntimeError):
            with child_run(parent.run_id, "trial 1", parameters={"a": {"rate": 0.1}}, tags={"n": 1}) as first:
                first.metrics({"train/loss": 1.0}, 1)
                raise RuntimeError("the machine was switched off")
        with child_run(parent.run_id, "trial 1", parameters={"a": {"rate": 0.1}}, tags={"n": 1}) as again:
            assert (again.run_id, again.continued) == (first.run_id, True)
            again.metrics({"train/loss": 1.0}, 1)
            again.metrics({"train/loss": 0.5}, 2)
        with child_run(parent.run_id, "trial 2", parameters={}, tags={}) as other:
            assert other.run_id != first.run_id
    client = open_store("pathgen").client
    run = client.get_run(first.run_id)
    assert run.data.tags["mlflow.parentRunId"] == parent.run_id
    assert (run.info.run_name, run.info.status, run.data.tags["attempts"]) == ("trial 1", "FINISHED", "2")
    assert run.data.params == {"a.rate": "0.1"}
    assert [point.value for point in client.get_metric_history(first.run_id, "train/loss")] == [1.0, 0.5]


def test_parent_of_another_store_is_named(tracked: Project) -> None:
    with pytest.raises(PathgenError, match="MLFLOW_TRACKING_URI"):
        with child_run("0" * 32, "trial 1", parameters={}, tags={}):
            pytest.fail("must not begin")
