"""Whether the results on disk belong together: DVC knows what each was made from."""

from collections.abc import Mapping
from pathlib import Path

from pathgen.tracking.dvc_api import StageState, open_project, stage_states

_ABSENT = "deleted"


def stale_stages(root: Path, generator: str) -> list[str]:
    """Name the stages whose results no longer fit what a release would be made of.

    Args:
        root: The checkout.
        generator: The generator.

    Returns:
        Stages that the report or the generator's audit rests on, and these two, where settings, code, inputs
        or outputs are not those that DVC recorded. Data that are merely not here (a clone that pulled
        only what it needs) are no change.

    Raises:
        PathgenError: DVC cannot tell.
    """
    with open_project(root) as project:
        states = stage_states(project)
    return changed_above(states, ["report", f"privacy@{generator}"])


def changed_above(states: Mapping[str, StageState], targets: list[str]) -> list[str]:
    """Return the changed stages among `targets` and all that these read from, directly or not.

    Args:
        states: All stages by name.
        targets: Where to begin; one that DVC does not know counts as changed.
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
