"""Measure the error of classifiers against the number of original and of synthetic training patches.

Runs `dvc repro` of what it reads, computes the points that are not in the cache, and fits the curves.
"""

import os
from functools import partial
from pathlib import Path

from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core import layout
from pathgen.core.errors import PathgenErrors, cli_errors
from pathgen.core.files import write_json
from pathgen.core.params import load_section
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings
from pathgen.jobs.result_cache import ResultCache
from pathgen.jobs.runner import open_executor, prune, run_jobs
from pathgen.jobs.settings import JobSettings
from pathgen.provenance.made_from import made_from
from pathgen.run_matrix import keep_only
from pathgen.studies.scaling.scaling_results import write_results
from pathgen.studies.scaling.scaling_study import ScalingStudy, input_folders, input_names
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.synthetic_sample import sample_synthetic
from pathgen.tracking.run import nested_run
from pathgen.training.compute import start_compute
from stages.optional_study import refresh_report, reproduce_inputs
from stages.stage import running


@cli_errors()
def main() -> None:
    """Run the command."""
    settings = load_section("scaling", ScalingSettings)
    reproduce_inputs(settings.generators)
    device, compute = start_compute()
    study = ScalingStudy(
        settings=settings,
        gans=load_section("train_gan", TrainGanSettings),
        classifiers=load_section("train_classifier", TrainClassifierSettings),
        sampling=load_section("synthesise", SynthesiseSettings),
        compute=compute,
        threshold=load_section("evaluate", EvaluateSettings).threshold,
        device=device.type,
    )
    inputs = input_folders(settings)
    with running("scaling", settings={"scaling": settings, "compute": compute}, inputs=inputs) as stage:
        count = study.largest_set()
        for generator in settings.generators:
            # Sampled once, before the points that share them start.
            sample_synthetic(
                device, generator=generator, count=count, sampling=study.sampling, compute=compute
            )
        job_settings = load_section("jobs", JobSettings)
        # A point uses `compute.threads` cores: no more points at a time than there are cores for.
        fitting = max(1, (os.cpu_count() or 1) // (compute.threads or os.cpu_count() or 1))
        job_settings = job_settings.model_copy(update={"workers": min(job_settings.workers, fitting)})
        # Bars of worker processes would overwrite the one that counts the points.
        os.environ["TQDM_DISABLE"] = "1"
        cache = ResultCache(Path(job_settings.folder) / "scaling")
        jobs = study.jobs(partial(nested_run, stage.run.run_id))
        with open_executor(job_settings, cache.folder, processes=True) as executor:
            results = run_jobs(jobs, cache, executor, unit="points", desc="scaling")
        if problems := [error for result in results for error in result.errors]:
            raise PathgenErrors(problems)
        prune(jobs, cache, job_settings)
        keep_only(layout.SCALING_POINTS, {f"{result.name}.json" for result in results})
        for result in results:
            write_json(layout.SCALING_POINTS / f"{result.name}.json", result.values)
        summary, metrics = write_results(
            [result.values for result in results],
            layout.SCALING,
            confidence=settings.confidence,
            bootstrap=settings.bootstrap,
            made_from=made_from(inputs, input_names(settings)),
        )
        stage.run.metrics(metrics, 0)
        for name in ("curve.svg", "curve.csv", "fit.json", "summary.json"):
            stage.run.artifact(layout.SCALING / name)
    print("\n".join(summary.sentences))
    refresh_report()


if __name__ == "__main__":
    main()
