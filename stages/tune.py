"""Search for the best classifier settings and synthetic-set size, judged on original validation patches.

Without an option: the whole study. With --join: one more worker of a study that was started elsewhere, on
any machine that reaches its storage. With --again: the best configuration once more, as a check.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.labels import LABELS
from pathgen.core.params import PARAMS_FILE, load_section, read_params
from pathgen.gan.sample_cache import drawn_patches
from pathgen.gan.settings import SynthesiseSettings
from pathgen.gan.synthesis import Arithmetic
from pathgen.patches.store import open_patch_set
from pathgen.provenance.stale import made_from
from pathgen.studies.tuning.objective import Task
from pathgen.studies.tuning.reproduce import train_best_again
from pathgen.studies.tuning.results import find, write_results
from pathgen.studies.tuning.settings import TuningSettings, TuningWorkSettings
from pathgen.studies.tuning.state import state_names
from pathgen.studies.tuning.storage import open_storage, open_study
from pathgen.studies.tuning.study_name import study_name
from pathgen.studies.tuning.validation import check_search
from pathgen.studies.tuning.worker import recorded, work
from pathgen.studies.tuning.worker_pool import run_crew, standing
from pathgen.tracking.nested import nested_run
from pathgen.tracking.settings import TrackingSettings
from pathgen.training.compute import apply_compute
from pathgen.training.settings import ComputeSettings
from stages.context import running


def inputs(settings: TuningSettings) -> list[Path]:
    """Return the folders that a study reads."""
    models = layout.gan_models(settings.generator).values()
    return [layout.TRAIN, layout.VALID, *(models if settings.regime != "original" else [])]


def prepare(settings: TuningSettings, compute: ComputeSettings) -> Task:
    """Open the patches, and draw the synthetic ones that no earlier command has drawn."""
    # As many threads as the stage synthesise has: the patches shall be the ones that it draws.
    device = apply_compute(device=compute.device, threads=compute.threads)
    params = read_params()
    drawing = load_section("synthesise", SynthesiseSettings)
    drawn = {
        label: drawn_patches(
            layout.SAMPLE_CACHE,
            model,
            seed=drawing.seed,
            count=settings.largest("synthesise.per_class", drawing.per_class),
            device=device,
            best_of=drawing.best_of,
            drawing=drawing.drawing(settings.generator),
            arithmetic=Arithmetic(compute.precision, compute.channels_last),
            what=f"draw {model.name}",
        )
        for label, model in zip(LABELS, inputs(settings)[2:], strict=False)
    }
    return Task(
        params=params,
        regime=settings.regime,
        classifier=settings.classifier,
        seeds=settings.seeds,
        train=open_patch_set(layout.TRAIN),
        valid=open_patch_set(layout.VALID),
        drawn=drawn,
        device=apply_compute(device=compute.device, threads=settings.threads),
        precision=compute.precision,
        channels_last=compute.channels_last,
    )


@cli_errors()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--join", action="store_true", help="be one more worker")
    parser.add_argument("--parent", type=int, help="end with this process (set by the stage itself)")
    parser.add_argument("--again", action="store_true", help="train the best configuration again")
    wanted = parser.parse_args()
    settings = load_section("tuning", TuningSettings)
    check_search(read_params(), settings, PARAMS_FILE)
    workers = load_section("tuning_work", TuningWorkSettings)
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    if wanted.join:
        join(settings, workers, compute, wanted.parent)
    elif wanted.again:
        scores = train_best_again(prepare(settings, compute), layout.TUNING / "summary.json")
        print(f"the same scores: {scores}")
    else:
        name = study_name(read_params(), settings, inputs(settings), device.type)
        lead(name, settings, workers, compute)


def lead(name: str, settings: TuningSettings, workers: TuningWorkSettings, compute: ComputeSettings) -> None:
    """Begin the study or go on with it, and write what it has found."""
    with running(
        "tune", settings={"tuning": settings, "compute": compute}, inputs=inputs(settings), trains=True
    ) as stage:
        prepare(settings, compute)
        study = open_study(open_storage(workers.storage, layout.TUNING_WORK), name, create=True)
        study.set_user_attr("parent_run", stage.run.run_id)
        run_crew(
            study,
            trials=settings.trials,
            workers=workers.workers,
            tries=workers.tries,
            command=[sys.executable, "-m", "stages.tune", "--join"],
            logs=layout.TUNING_WORK / name,
        )
        print(f"study {name}: {standing(study)}")
        found = find(study, settings)
        state = state_names(read_params(), settings)
        write_results(found, settings, layout.TUNING, made_from=made_from(inputs(settings), state))
        stage.run.metrics({"tune/best_valid_accuracy": found.value}, 0)
        stage.run.artifact(layout.TUNING)


def join(
    settings: TuningSettings, workers: TuningWorkSettings, compute: ComputeSettings, parent: int | None
) -> None:
    """Work for a study until all of its trials are done."""
    task = prepare(settings, compute)
    name = study_name(task.params, settings, inputs(settings), task.device.type)
    study = open_study(open_storage(workers.storage, layout.TUNING_WORK), name, create=False)
    experiment = load_section("tracking", TrackingSettings).experiment
    children = partial(nested_run, study.user_attrs["parent_run"], experiment=experiment)
    work(
        study,
        task,
        settings,
        workers,
        folder=layout.TUNING_WORK / name,
        open_run=partial(recorded, children),
        parent=parent,
    )


if __name__ == "__main__":
    main()
