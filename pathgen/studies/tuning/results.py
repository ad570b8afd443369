"""What a study has found: a table of the trials, the best configuration, sentences and plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState
from ruamel.yaml import YAML

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_folder, atomic_path, write_json
from pathgen.core.params import PARAMS_FILE
from pathgen.patches.parquet import write_csv
from pathgen.studies.tuning.overrides import set_fields, values_of
from pathgen.studies.tuning.plots import plot_history, plot_importance
from pathgen.studies.tuning.settings import TuningSettings
from pathgen.studies.tuning.trial_queue import REASON, done_trials
from pathgen.webpage.pictures import save_svg

# Below this number of finished trials the forest that tells importance has next to nothing to learn from.
_FEWEST_FOR_IMPORTANCE = 8


@dataclass(frozen=True)
class Found:
    """What a study has found.

    Attributes:
        trials: One row per trial, see `trials_frame`.
        slot: Number of the best trial; of equal ones the first.
        value: Its score: mean over the seeds of the best accuracy on original validation patches.
        scores: That accuracy of each seed.
        values: Path of each field to what the best trial has put there.
        importance: Share of each field in the spread of the scores, descending; empty when there are too
            few finished trials to tell.
    """

    trials: pd.DataFrame
    slot: int
    value: float
    scores: Sequence[float]
    values: Mapping[str, Any]
    importance: Mapping[str, float]


def find(study: optuna.Study, settings: TuningSettings) -> Found:
    """Read a study's result.

    Args:
        study: The study, with all trials done.
        settings: The search.

    Returns:
        What it has found.

    Raises:
        PathgenError: No trial has finished: all were pruned.
    """
    done = {slot: trial for slot, trial in done_trials(study).items() if slot <= settings.trials}
    finished = {slot: trial for slot, trial in done.items() if trial.state == TrialState.COMPLETE}
    if not finished:
        raise PathgenError(
            "study",
            "no trial has finished, the loss was never a number",
            "Lower the learning rates in tuning.space",
        )
    slot = max(finished, key=lambda number: (finished[number].value or 0.0, -number))
    best = finished[slot]
    assert best.value is not None
    return Found(
        trials_frame(done, settings),
        slot,
        best.value,
        best.user_attrs["scores"],
        values_of(best.params, settings.space),
        _importance(study, list(finished.values()), settings),
    )


def trials_frame(done: Mapping[int, FrozenTrial], settings: TuningSettings) -> pd.DataFrame:
    """Put the trials into a table.

    Args:
        done: Slot to its trial.
        settings: The search.

    Returns:
        Columns trial, state (finished or pruned), value (of a pruned trial: where it stood), one
        ``seed_…`` for each seed (finished trials only), epochs (of all seeds), reason (of a pruned one), and
        one per field: what the sampler chose, rounded as it was used.
    """
    rows = []
    for slot, trial in done.items():
        complete = trial.state == TrialState.COMPLETE
        scores = trial.user_attrs.get("scores") or [None] * len(settings.seeds)
        chosen = {
            dimension.field: trial.params[dimension.field]
            if dimension.variants is not None
            else values_of(trial.params, [dimension])[dimension.field]
            for dimension in settings.space
        }
        rows.append(
            {
                "trial": slot,
                "state": "finished" if complete else "pruned",
                "value": trial.value if complete else _last(trial),
                **{f"seed_{seed}": score for seed, score in zip(settings.seeds, scores, strict=True)},
                "epochs": len(trial.intermediate_values),
                "reason": trial.user_attrs.get(REASON),
                **chosen,
            }
        )
    return pd.DataFrame(rows)


def _last(trial: FrozenTrial) -> float | None:
    return trial.intermediate_values[trial.last_step] if trial.last_step is not None else None


def _importance(
    study: optuna.Study, finished: Sequence[FrozenTrial], settings: TuningSettings
) -> dict[str, float]:
    spread = len({trial.value for trial in finished}) > 1
    searched = [dimension.field for dimension in settings.space if len(dimension.extremes()) > 1]
    if len(finished) < _FEWEST_FOR_IMPORTANCE or not spread or not searched:
        return {}
    evaluator = FanovaImportanceEvaluator(seed=settings.seed % 2**32)
    found = get_param_importances(study, evaluator=evaluator, params=searched)
    return {name: float(share) for name, share in found.items()}


def write_results(
    found: Found,
    settings: TuningSettings,
    folder: Path,
    params: Path = PARAMS_FILE,
    *,
    made_from: Mapping[str, str],
) -> None:
    """Write ``trials.csv``, ``best.yaml``, ``summary.json``, ``importance.svg`` and ``history.svg``.

    Args:
        found: What the study has found.
        settings: The search.
        folder: Where to; what it held is replaced as a whole, or stays as it was.
        params: The params file that ``best.yaml`` is a changed copy of.
        made_from: Of `pathgen.provenance.stale`.
    """
    counts = found.trials["state"].value_counts()
    with atomic_folder(folder) as draft:
        write_csv(found.trials, draft / "trials.csv")
        write_best(found.values, settings, params, draft / "best.yaml")
        plots = {"history.svg": plot_history(found.trials)}
        if found.importance:
            plots["importance.svg"] = plot_importance(found.importance)
        for name, plot in plots.items():
            save_svg(plot, draft / name)
        write_json(
            draft / "summary.json",
            {
                "regime": settings.regime,
                "generator": None if settings.regime == "original" else settings.generator,
                "classifier": settings.classifier,
                "seeds": settings.seeds,
                "trials": {state: int(counts.get(state, 0)) for state in ("finished", "pruned")},
                "best": {
                    "trial": found.slot,
                    "value": found.value,
                    "scores": list(found.scores),
                    "fields": dict(found.values),
                },
                "importance": dict(found.importance),
                "sentences": sentences(found, settings),
                "figures": [(folder / name).as_posix() for name in plots],
                "made_from": dict(made_from),
            },
        )


def write_best(values: Mapping[str, Any], settings: TuningSettings, params: Path, target: Path) -> None:
    """Write a copy of a params file with fields replaced, the classifier among those to train.

    Args:
        values: Path of each field to its value.
        settings: The search.
        params: The file to copy; its comments are kept.
        target: The new file.
    """
    yaml = YAML()
    yaml.width = 120
    content = yaml.load(params)
    set_fields(content, values)
    if settings.classifier not in content["pipeline"]["classifiers"]:
        content["pipeline"]["classifiers"].append(settings.classifier)
    with atomic_path(target) as draft, draft.open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)


def sentences(found: Found, settings: TuningSettings) -> list[str]:
    """Say what was found, for the report; no HTML."""
    done, finished = len(found.trials), int((found.trials["state"] == "finished").sum())
    patches = "original" if settings.regime == "original" else f"{settings.regime} ({settings.generator})"
    low, high = min(found.scores), max(found.scores)
    said = [
        f"Of {done} configurations of {settings.classifier} trained on {patches} patches, {finished} were "
        f"trained to the end, with {len(settings.seeds)} seeds each, and {done - finished} given up early.",
        f"The best (trial {found.slot}) reached a mean accuracy of {found.value:.4f} on the original "
        f"validation patches ({low:.4f} to {high:.4f} over the seeds).",
        "It is the best of many on the very patches that it was chosen by, so this number is too good. "
        "What it is worth is its accuracy on the test set, which the search never opened; best.yaml is the "
        "params file to find out with.",
    ]
    if found.importance:
        first, share = next(iter(found.importance.items()))
        said.append(f"Most of the spread between configurations goes with {first} ({share:.0%}).")
    return said
