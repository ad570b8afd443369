"""Stages whose results are out of date, as DVC knows them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pathgen.tracking.dvc_api import StageState, open_project, stage_states

_ABSENT = "deleted"


def stale_stages(root: Path, generator: str) -> list[str]:
    """Name the stages that make a release stale.

    Args:
        root: Checkout.
        generator: Name of the generator.

    Returns:
        Stages that the report or the generator's audit depends on, and these two, whose settings, code,
        inputs or outputs differ from what DVC recorded. Data that are only absent, as in a clone that pulled
        only what it needs, are no change.

    Raises:
        PathgenError: DVC cannot read the project.
    """
    with open_project(root) as project:
        states = stage_states(project)
    return changed_above(states, ["report", f"privacy@{generator}"])


def changed_above(states: Mapping[str, StageState], targets: Sequence[str]) -> list[str]:
    """Return the changed stages among the targets and everything they depend on.

    Args:
        states: All stages by name.
        targets: Names of stages; one that DVC does not know counts as changed.
    """
    found, waiting = set(), list(targets)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += states[name].reads_from if name in states else ()
    return sorted(name for name in found if name not in states or _changed(states[name]))


def _changed(state: StageState) -> bool:
    return any(
        not isinstance(what, Mapping) or any(how != _ABSENT for how in what.values())
        for what in state.changes.values()
    )
