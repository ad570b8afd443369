"""Results of a search: table of the trials, best configuration, conclusions and plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState
from ruamel.yaml import YAML

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_folder, atomic_path
from pathgen.core.params import PARAMS_FILE
from pathgen.patches.parquet import write_csv
from pathgen.results.study_record import BestTrial, TuningSummary
from pathgen.studies.tuning.overrides import set_fields, values_of
from pathgen.studies.tuning.search import LAST_VALUE, REASON, SCORES, done_trials
from pathgen.studies.tuning.settings import TuningSettings
from pathgen.webpage.pictures import save_svg
from pathgen.webpage.plotting import COLOURS, GREY, empty_plot, legend_below
from pathgen.webpage.rendering import render

_CONCLUSIONS = "studies/tuning/conclusions.j2"
# Fewer finished trials do not support an estimate of importance.
_MIN_TRIALS_FOR_IMPORTANCE = 8


def write_results(
    study: optuna.Study,
    settings: TuningSettings,
    folder: Path,
    params: Path = PARAMS_FILE,
    *,
    made_from: Mapping[str, str],
) -> TuningSummary:
    """Write ``trials.csv``, ``best.yaml``, ``summary.json``, ``history.svg`` and ``importance.svg``.

    Args:
        study: Optuna's study.
        settings: Section ``tuning``.
        folder: Folder of the results; replaced as a whole.
        params: Params file that ``best.yaml`` is a changed copy of.
        made_from: Hash of each input, see `pathgen.provenance.made_from`.

    Returns:
        Content of ``summary.json``.

    Raises:
        PathgenError: No trial has finished.
    """
    done = done_trials(study)
    finished = [trial for trial in done if trial.state == TrialState.COMPLETE]
    if not finished:
        raise PathgenError(
            f"study {study.study_name}",
            "no trial has finished: the loss was never finite",
            "Lower the learning rates in tuning.space",
        )
    # The first of equal ones.
    best = max(finished, key=lambda trial: (trial.value or 0.0, -trial.number))
    fields = values_of(best.params, settings.space)
    importance = _importance(study, finished, settings)
    table = trials_table(done, settings)
    plots = {"history.svg": _plot_history(table)}
    if importance:
        plots["importance.svg"] = _plot_importance(importance)
    scores = tuple(best.user_attrs[SCORES])
    summary = TuningSummary(
        regime=settings.regime,
        generator=None if settings.regime == "original" else settings.generator,
        classifier=settings.classifier,
        seeds=tuple(settings.seeds),
        trials={"finished": len(finished), "pruned": len(done) - len(finished)},
        best=BestTrial(trial=best.number, value=best.value or 0.0, scores=scores, fields=fields),
        importance=importance,
        sentences=(),
        figures=tuple((folder / name).as_posix() for name in plots),
        made_from=dict(made_from),
    )
    sentences = tuple(render(_CONCLUSIONS, summary=summary).splitlines())
    summary = summary.model_copy(update={"sentences": sentences})
    with atomic_folder(folder) as draft:
        write_csv(table, draft / "trials.csv")
        write_best(fields, settings, params, draft / "best.yaml")
        for name, plot in plots.items():
            save_svg(plot, draft / name)
        summary.save(draft / "summary.json")
    return summary


def write_best(fields: Mapping[str, Any], settings: TuningSettings, params: Path, target: Path) -> None:
    """Write a params file with the best values, and with the classifier among those to train.

    Args:
        fields: Best values by dotted path.
        settings: Section ``tuning``.
        params: Params file to copy, with its comments.
        target: File to write.
    """
    yaml = YAML(typ="rt")  # keeps comments; builds plain data only
    yaml.width = 120
    content = yaml.load(params)
    set_fields(content, fields)
    if settings.classifier not in content["pipeline"]["classifiers"]:
        content["pipeline"]["classifiers"].append(settings.classifier)
    with atomic_path(target) as draft, draft.open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)


def trials_table(done: Sequence[FrozenTrial], settings: TuningSettings) -> pd.DataFrame:
    """Build the table of trials.

    Args:
        done: Finished and pruned trials.
        settings: Section ``tuning``.

    Returns:
        Columns trial (Optuna's number), state (finished or pruned), value (of a pruned trial: the last one),
        one ``seed_{seed}`` per seed (finished trials), epochs (of all seeds), reason (pruned trials), and one
        per dimension: its sampled value, rounded as it was used, or the name of its variant.
    """
    rows = []
    for trial in done:
        complete = trial.state == TrialState.COMPLETE
        scores = trial.user_attrs.get(SCORES) or [None] * len(settings.seeds)
        variants = {one.field: trial.params[one.field] for one in settings.space if one.variants}
        rows.append(
            {
                "trial": trial.number,
                "state": "finished" if complete else "pruned",
                "value": trial.value if complete else trial.user_attrs.get(LAST_VALUE),
                **{f"seed_{seed}": score for seed, score in zip(settings.seeds, scores, strict=True)},
                "epochs": len(trial.intermediate_values),
                "reason": trial.user_attrs.get(REASON),
                **values_of(trial.params, settings.space),
                **variants,
            }
        )
    return pd.DataFrame(rows)


def _importance(
    study: optuna.Study, finished: Sequence[FrozenTrial], settings: TuningSettings
) -> dict[str, float]:
    differ = len({trial.value for trial in finished}) > 1
    searched = [dimension.field for dimension in settings.space if len(dimension.extremes()) > 1]
    if len(finished) < _MIN_TRIALS_FOR_IMPORTANCE or not differ or not searched:
        return {}
    evaluator = FanovaImportanceEvaluator(seed=settings.seed % 2**32)
    found = get_param_importances(study, evaluator=evaluator, params=searched)
    return {name: float(share) for name, share in found.items()}


def _plot_history(trials: pd.DataFrame) -> Figure:
    """Plot the objective of each trial and the best value so far."""
    figure, axis = empty_plot()
    finished = trials[trials["state"] == "finished"]
    pruned = trials[(trials["state"] == "pruned") & trials["value"].notna()]
    axis.plot(finished["trial"], finished["value"], "o", color=COLOURS[0], label="finished")
    if len(pruned) > 0:
        axis.plot(pruned["trial"], pruned["value"], "x", color=GREY, label="pruned (last value)")
    best = finished["value"].cummax()
    axis.step(finished["trial"], best, "--", where="post", color=COLOURS[1], label="best so far")
    axis.set_xlabel("trial")
    axis.set_ylabel("accuracy on original validation patches")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend_below(figure, ncols=3)
    return figure


def _plot_importance(importance: Mapping[str, float]) -> Figure:
    """Plot the importance of each setting."""
    figure, axis = empty_plot(height=1.4 + 0.4 * len(importance))
    names = [name.split(".", 2)[-1] for name in importance]
    axis.barh(range(len(names)), list(importance.values()), color=COLOURS[0])
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlim(0, 1)
    axis.set_xlabel("share of the variance between trials (fANOVA)")
    return figure
