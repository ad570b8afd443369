"""A trial ends early when it is behind most finished ones at the same seed and epoch."""

from pathgen.studies.tuning.pruning import falls_behind, step_of

RULE = {"quantile": 0.5, "after_trials": 3, "after_epochs": 2}
FINISHED = [
    {step_of(0, 1): low, step_of(0, 2): low + 0.1, step_of(0, 3): low + 0.2, step_of(1, 1): low}
    for low in (0.5, 0.6, 0.7)
]


def test_below_the_median_at_the_same_epoch_ends() -> None:
    assert falls_behind(step_of(0, 2), 0.69, FINISHED, **RULE)
    assert not falls_behind(step_of(0, 2), 0.70, FINISHED, **RULE)
    assert falls_behind(step_of(0, 3), 0.79, FINISHED, **RULE)


def test_too_few_epochs_or_trials_prune_nothing() -> None:
    assert not falls_behind(step_of(0, 1), 0.0, FINISHED, **RULE)
    assert not falls_behind(step_of(1, 1), 0.0, FINISHED, **RULE)
    assert not falls_behind(step_of(0, 2), 0.0, FINISHED[:2], **RULE)
    assert not falls_behind(step_of(0, 2), 0.0, FINISHED, **{**RULE, "quantile": 0.0})


def test_a_seed_that_stopped_early_stands_where_it_stopped() -> None:
    # All have stopped the second seed after one epoch, with 0.5, 0.6 and 0.7.
    assert falls_behind(step_of(1, 4), 0.59, FINISHED, **RULE)
    assert not falls_behind(step_of(1, 4), 0.61, FINISHED, **RULE)


def test_a_later_seed_is_not_compared_with_an_earlier_one() -> None:
    assert not falls_behind(step_of(2, 4), 0.0, FINISHED, **RULE), "nobody has reached the third seed"
