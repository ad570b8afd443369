"""Which trial a worker takes next, so that in the end there are exactly as many as asked for.

A study of N trials has N slots. A slot is *done* when one of its trials has finished or was pruned. A
trial whose worker died, or that failed, leaves its slot free: the slot gets another trial with the same
values. All of this is read from the trials themselves, so that any process can go on from any state that
a killed one left. Where machines race for a slot (no lock is shared between them) the trial with the lower
number keeps it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from pathgen.core.errors import PathgenError
from pathgen.studies.tuning.heartbeat import Watch, is_dead, this_process

DONE = (TrialState.COMPLETE, TrialState.PRUNED)
_SLOT, _OWNER, _BEAT, _WHOLE, REASON = "slot", "owner", "beat", "whole", "reason"

#: Why a trial failed that is not to blame for it.
STOPPED, _FASTER = "the study was stopped", "another worker was faster"
DIED = "its worker died"


@dataclass(frozen=True)
class Claimed:
    """A trial that belongs to this process.

    Attributes:
        trial: Optuna's trial.
        slot: Number of its slot, from 1; what people call the trial's number.
    """

    trial: optuna.Trial
    slot: int


def slot_of(trial: FrozenTrial) -> int | None:
    """Return a trial's slot; None for one that nobody asked for."""
    slot = trial.user_attrs.get(_SLOT)
    return slot if isinstance(slot, int) else None


def done_trials(study: optuna.Study) -> dict[int, FrozenTrial]:
    """Return the trial of each slot that is done, by slot, in the order of the slots."""
    found: dict[int, FrozenTrial] = {}
    for trial in study.get_trials(deepcopy=False, states=DONE):
        slot = slot_of(trial)
        if slot is not None:
            found.setdefault(slot, trial)
    return dict(sorted(found.items()))


def failures(study: optuna.Study) -> dict[int, list[FrozenTrial]]:
    """Return the failed trials of each slot, whether by an error or by the death of their worker."""
    found: dict[int, list[FrozenTrial]] = {}
    for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,)):
        slot = slot_of(trial)
        if slot is not None:
            found.setdefault(slot, []).append(trial)
    return found


def fail(study: optuna.Study, number: int, reason: str) -> None:
    """Mark a running trial failed; one that somebody else has ended in the meantime stays as it is."""
    try:
        study._storage.set_trial_user_attr(
            study._storage.get_trial_id_from_study_id_trial_number(study._study_id, number), REASON, reason
        )
        study.tell(number, state=TrialState.FAIL, skip_if_finished=True)
    except (UpdateFinishedTrialError, ValueError):
        return


def bury(study: optuna.Study, watch: Watch, dead_after_s: float) -> list[int]:
    """Mark the trials of dead workers failed.

    Args:
        study: The study.
        watch: This process's memory of signs of life.
        dead_after_s: Seconds without one after which a worker that cannot be asked counts as dead.

    Returns:
        Their slots.
    """
    buried = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        owner, slot = trial.user_attrs.get(_OWNER), slot_of(trial)
        silent = watch.silent_s(trial.number, trial.user_attrs.get(_BEAT)) > dead_after_s
        dead = is_dead(owner) if owner else None
        if dead or (dead is None and silent):
            fail(study, trial.number, DIED)
            buried += [slot] if slot is not None else []
    return buried


def claim(
    study: optuna.Study,
    *,
    slots: int,
    tries: int,
    watch: Watch,
    dead_after_s: float,
    lock: Path,
    sampler_of: Callable[[int], optuna.samplers.BaseSampler],
) -> Claimed | None:
    """Take the lowest free slot.

    Args:
        study: The study.
        slots: How many there are.
        tries: Failures of one slot, see `blamed`, after which the study stops.
        watch: This process's memory of signs of life.
        dead_after_s: See `bury`.
        lock: Lock file of the processes of this machine.
        sampler_of: Slot to the sampler that chooses its values: one of its own for each slot, so that a
            study goes on after a restart as if there had been none.

    Returns:
        The claim; None when every slot is done or somebody is at it.

    Raises:
        PathgenError: A slot has failed too often.
    """
    with filelock.FileLock(lock):
        bury(study, watch, dead_after_s)
        trials = study.get_trials(deepcopy=False)
        taken = {slot_of(trial) for trial in trials if trial.state in (*DONE, TrialState.RUNNING)}
        free = [slot for slot in range(1, slots + 1) if slot not in taken]
        if not free:
            return None
        _stop_after(failures(study).get(free[0], []), free[0], tries)
        queued = [trial for trial in trials if trial.state == TrialState.WAITING]
        if not any(slot_of(trial) == free[0] for trial in queued):
            _enqueue(study, free[0], [trial for trial in trials if slot_of(trial) == free[0]])
            queued = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        first = slot_of(queued[0]) if queued else None
        study.sampler = sampler_of(first or free[0])
        trial = study.ask()
        slot = trial.user_attrs.get(_SLOT)
        if slot is None or not _is_mine(study, trial.number, slot):
            fail(study, trial.number, _FASTER)
            return None
        trial.set_user_attr(_OWNER, this_process())
        return Claimed(trial, slot)


def blamed(failed: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the failures that count against a slot.

    Every error does. The death of a worker does only where it came no further than the slot had come before:
    power cuts must not end a study that goes on from its snapshots, but values that always kill their
    worker, by their need of memory for instance, must.

    Args:
        failed: The failed trials of one slot, in their order.

    Returns:
        Those by an error, and those that died since the slot last came further.
    """
    errors: list[FrozenTrial] = []
    deaths: list[FrozenTrial] = []
    furthest = 0
    for trial in failed:
        reason, step = trial.user_attrs.get(REASON), trial.last_step or 0
        if step > furthest:
            furthest, deaths = step, []
        elif reason == DIED:
            deaths.append(trial)
        if reason not in (DIED, STOPPED, _FASTER):
            errors.append(trial)
    return sorted([*errors, *deaths], key=lambda trial: trial.number)


def _stop_after(failed: Sequence[FrozenTrial], slot: int, tries: int) -> None:
    against = blamed(failed)
    if len(against) >= tries:
        values = ", ".join(f"{name} {value}" for name, value in against[-1].params.items()) or "not known"
        raise PathgenError(
            f"trial {slot}",
            f"failed {len(against)} times, the last time because {against[-1].user_attrs.get(REASON)}; its "
            f"values: {values}",
            "See the workers' logs; give it more memory, narrow tuning.space, or raise tuning_work.tries",
        )


def _enqueue(study: optuna.Study, slot: int, earlier: Sequence[FrozenTrial]) -> None:
    """Queue a slot, with the values it had before if they were all chosen."""
    whole = [trial for trial in earlier if trial.user_attrs.get(_WHOLE)]
    values = whole[-1].params if whole else {}
    study.enqueue_trial(values, user_attrs={_SLOT: slot, _OWNER: this_process()})


def _is_mine(study: optuna.Study, number: int, slot: int) -> bool:
    others = [
        trial
        for trial in study.get_trials(deepcopy=False)
        if slot_of(trial) == slot and trial.number != number
    ]
    return not any(
        trial.state in DONE or (trial.state != TrialState.FAIL and trial.number < number) for trial in others
    )


def mark_whole(trial: optuna.Trial) -> None:
    """Note that all of a trial's values are chosen: should it fail, another takes the same."""
    trial.set_user_attr(_WHOLE, True)


@contextmanager
def beating(trial: optuna.Trial, beat_s: float) -> Iterator[Callable[[], bool]]:
    """Show signs of life while a trial runs, from a thread.

    Args:
        trial: The trial.
        beat_s: Seconds between two of them.

    Yields:
        Tells whether the trial was taken away, because others thought this worker dead.
    """
    over, taken = threading.Event(), threading.Event()

    def beat() -> None:
        count = 0
        while not over.wait(beat_s):
            count += 1
            try:
                trial.set_user_attr(_BEAT, count)
            except UpdateFinishedTrialError:
                taken.set()
                return
            except StorageInternalError:
                continue  # The database is away for a moment; the next beat tries again.

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield taken.is_set
    finally:
        over.set()
        thread.join()


def told(study: optuna.Study, claimed: Claimed, value: float | None, state: TrialState, **facts: Any) -> None:
    """End a trial: its value, its state, and what else shall be known of it.

    A trial that was taken away in the meantime stays as it is.
    """
    try:
        for name, fact in facts.items():
            claimed.trial.set_user_attr(name, fact)
        study.tell(claimed.trial, value, state=state, skip_if_finished=True)
    except UpdateFinishedTrialError:
        return
