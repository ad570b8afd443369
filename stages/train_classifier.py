"""Train one classifier on the patches of one regime, with every seed."""

import shutil
from collections.abc import Sequence
from functools import partial

from pathgen.classifier.classifier_training import HISTORY, MODEL, ClassifierTraining
from pathgen.classifier.regimes import Regime
from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core import layout
from pathgen.core.files import atomic_path, copy_folder
from pathgen.core.params import load_section
from pathgen.jobs.job import Job
from pathgen.patches.store import open_patch_set
from pathgen.provenance.cache_key import file_hashes
from pathgen.run_matrix import PipelineSettings, RunKey
from pathgen.tracking.run import nested_run
from pathgen.training.compute import start_compute
from stages.parallel import part_key, run_parts
from stages.stage import Stage, dvc_stage


def train(stage: Stage, regime: Regime, runs: Sequence[RunKey], name: str) -> None:
    """Train the classifiers of several runs, side by side, and save checkpoints, curves and health.

    Args:
        stage: The running stage.
        regime: Their regime.
        runs: The runs, at least one.
        name: What they have in common, for the cache and the progress bar.
    """
    settings = load_section("train_classifier", TrainClassifierSettings)
    device, compute = start_compute()
    originals = file_hashes(layout.TRAIN, layout.VALID)
    jobs = []
    for run in runs:
        work = ClassifierTraining(
            name=run.name,
            identity=run.identity,
            regime=regime,
            synthetic=run.synthetic_sets,
            recipe=settings.of(run.classifier),
            regimes=settings.regimes,
            seed=run.seed,
            compute=compute,
            resume_folder=stage.resume_folder / run.name,
            open_run=partial(nested_run, stage.run.run_id),
        )
        shaping = {
            "identity": run.identity,
            "recipe": work.recipe.model_dump(),
            "regimes": work.regimes.model_dump() if run.generator else None,
        }
        inputs = originals | file_hashes(*run.synthetic_sets.values())
        jobs.append(Job(run.name, part_key(stage, shaping, inputs, compute, device), work))
    results = run_parts(stage, jobs, f"train_classifier/{name}", "trainings")
    example = open_patch_set(layout.TRAIN)
    for run, result in zip(runs, results, strict=True):
        model = layout.classifier_model(run.folder)
        copy_folder(result.folder / MODEL, model)
        with atomic_path(layout.training_history(run.folder)) as draft:
            shutil.copyfile(result.folder / HISTORY, draft)
        served = "pathgen.classifier.served_classifier"
        stage.run.model(run.name, model, served, example.images[:2], example.classes[:2] * 1.0)
    failed = [run.name for run, result in zip(runs, results, strict=True) if not result.values["converged"]]
    stage.run.metrics({"train/converged": 1.0 - len(failed) / len(runs)}, 0)
    stage.run.health(f"not converged: {', '.join(failed)}" if failed else "converged", converged=not failed)


@dvc_stage(trains=True)
def main(stage: Stage, *, regime: Regime, generator: str | None = None, classifier: str) -> None:
    """Run the stage."""
    runs = load_section("pipeline", PipelineSettings).runs_of(regime, generator, classifier)
    train(stage, regime, runs, runs[0].group)


if __name__ == "__main__":
    main()
