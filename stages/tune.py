"""Search for better classifier settings, scored on original validation patches.

Without an option: the whole search, after `dvc repro` of what it reads.
With --join: one more worker of a search that runs elsewhere, on any machine that reaches its storage.
With --again: train the best configuration again and compare the scores.
"""

import argparse
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pathgen.core import layout
from pathgen.core.errors import PathgenError, cli_errors
from pathgen.core.params import PARAMS_FILE, load_section, read_params
from pathgen.gan.settings import SynthesiseSettings
from pathgen.patches.store import open_patch_set
from pathgen.provenance.made_from import made_from
from pathgen.results.study_record import TuningSummary
from pathgen.studies.synthetic_sample import sample_synthetic
from pathgen.studies.tuning.objective import SearchData, score
from pathgen.studies.tuning.overrides import tried_values, with_fields
from pathgen.studies.tuning.search import Objective, build_pruner, build_sampler, done_trials, run_trials
from pathgen.studies.tuning.search_validation import check_search
from pathgen.studies.tuning.settings import TuningSettings, TuningWorkSettings
from pathgen.studies.tuning.storage import create_study, input_names, load_study, open_storage, study_name
from pathgen.studies.tuning.tuning_results import write_results
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.run import nested_run
from pathgen.training.compute import apply_compute, start_compute
from stages.optional_study import refresh_report, reproduce_inputs
from stages.stage import running


@cli_errors()
def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--join", action="store_true", help="be one more worker")
    parser.add_argument("--again", action="store_true", help="train the best configuration again")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    settings = load_section("tuning", TuningSettings)
    check_search(read_params(), settings, PARAMS_FILE)
    if args.join:
        join(load_data(settings), args.worker, args.parent)
    elif args.again:
        train_again(load_data(settings))
    else:
        reproduce_inputs([] if settings.regime == "original" else [settings.generator])
        search(load_data(settings))
        refresh_report()


def inputs(settings: TuningSettings) -> list[Path]:
    """Return the folders that a search reads."""
    models = layout.gan_models(settings.generator).values()
    return [layout.TRAIN, layout.VALID, *(models if settings.regime != "original" else [])]


def load_data(settings: TuningSettings) -> SearchData:
    """Open the original patches and sample the synthetic ones that are not in the cache."""
    params = read_params()
    # With the threads of the stage `synthesise`: the patches must be the ones that it samples.
    device, compute = start_compute()
    synthetic = {}
    if settings.regime != "original":
        synthetic = sample_synthetic(
            device,
            generator=settings.generator,
            count=max(tried_values(params, settings.space, "synthesise.per_class")),
            sampling=load_section("synthesise", SynthesiseSettings),
            compute=compute,
        )
    return SearchData(
        params=params,
        settings=settings,
        compute=compute,
        device=apply_compute(device=compute.device, threads=settings.threads),
        train=open_patch_set(layout.TRAIN),
        valid=open_patch_set(layout.VALID),
        synthetic=synthetic,
    )


def identify(data: SearchData) -> tuple[dict[str, str], str]:
    """Return the hashes of what the search is made from, and the name of its study."""
    origin = made_from(inputs(data.settings), input_names(data.params, data.settings))
    return origin, study_name(data.params, data.settings, origin, data.device.type)


def search(data: SearchData) -> None:
    """Start the search or continue it, and write its results."""
    settings = data.settings
    sections = {"tuning": settings, "compute": data.compute}
    with running("tune", settings=sections, inputs=inputs(settings), trains=True) as stage:
        origin, name = identify(data)
        work = load_section("tuning_work", TuningWorkSettings)
        study = create_study(open_storage(work, layout.TUNING_WORK), name)
        study.set_user_attr("parent_run", stage.run.run_id)
        run_workers(work.workers)
        done = done_trials(study)
        if len(done) < settings.trials:
            raise PathgenError(
                f"study {name}",
                f"has {len(done)} of {settings.trials} trials, but all workers have ended",
                "See their errors above, and run the command again: finished trials are kept",
            )
        best = write_results(study, settings, layout.TUNING, made_from=origin).best
        stage.run.metrics({"tune/best_valid_accuracy": best.value}, 0)
        stage.run.artifact(layout.TUNING)
    print(f"best trial          {best.trial}: {best.value:.4f} on original validation patches")
    print(f"best settings       {layout.TUNING / 'best.yaml'}")


def run_workers(count: int) -> None:
    """Start the workers of this machine and wait for them."""
    command = [sys.executable, "-m", "stages.tune", "--join"]
    # The workers' own progress bars would overwrite each other; Optuna logs a line for each trial.
    quiet = {**os.environ, "TQDM_DISABLE": "1"}
    workers = [
        subprocess.Popen([*command, "--worker", str(number), "--parent", str(os.getpid())], env=quiet)
        for number in range(count)
    ]
    try:
        for worker in workers:
            worker.wait()
    finally:
        for worker in workers:
            worker.terminate()
            worker.wait()


def join(data: SearchData, number: str | None, parent: int | None) -> None:
    """Run trials of a study until it has enough.

    A worker with a number was started by `run_workers`, the process `parent`, and stops when that has ended.
    """
    worker = number or f"{socket.gethostname()}-{os.getpid()}"
    _, name = identify(data)
    storage = open_storage(load_section("tuning_work", TuningWorkSettings), layout.TUNING_WORK)
    study = load_study(storage, name)
    study.pruner = build_pruner(data.settings)
    study.sampler = build_sampler(data.settings, worker, len(study.trials))

    def open_run(number: int, values: Mapping[str, Any]) -> AbstractContextManager[MlflowLogger]:
        return nested_run(
            study.user_attrs["parent_run"],
            f"trial {number}",
            parameters=values,
            tags={"stage": "trial", "trial": number},
        )

    run_trials(study, Objective(data, layout.TUNING_WORK / name, open_run), parent=parent)


def train_again(data: SearchData) -> None:
    """Train the best configuration again and compare its scores with the recorded ones."""
    best = TuningSummary.load(layout.TUNING / "summary.json").best
    scores = score(data, with_fields(data.params, best.fields), desc=f"trial {best.trial} again")
    if scores != list(best.scores):
        raise PathgenError(
            f"trial {best.trial}",
            f"had the scores {list(best.scores)}, which are now {scores}",
            "Compare params.yaml, patches, versions of libraries, processor and number of threads",
        )
    print(f"the same scores: {scores}")


if __name__ == "__main__":
    main()
