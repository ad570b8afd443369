"""Evaluate all classifiers on the test set and on synthetic patches (TRTS), and mean colour alone."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pathgen.classifier.classifier_checkpoint import load_classifier, load_metadata
from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.core.progress import tracked
from pathgen.evaluation.evaluate import evaluate, evaluate_on_synthetic
from pathgen.evaluation.evaluated_runs import cluster_patches
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.jobs.settings import JobSettings
from pathgen.metrics.classification import mean_colour_baseline
from pathgen.patches.parquet import read_table
from pathgen.patches.store import open_patch_set
from pathgen.results.evaluation_record import Baseline
from pathgen.results.health_record import ClassifierHealth
from pathgen.run_matrix import ORIGINAL, PipelineSettings, RunKey
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.run import nested_run
from pathgen.training.compute import memory_format, start_compute
from stages.stage import Stage, dvc_stage


@contextmanager
def _run(stage: Stage, verb: str, item: Mapping[str, Any], results: Path) -> Iterator[MlflowLogger]:
    """Open a run nested under the stage's run for one classifier; attach its results at the end."""
    name = " ".join([verb, *(str(value) for part, value in item.items() if part != "replicate")])
    tags = {"stage": verb, **item}
    with nested_run(stage.run.run_id, name, parameters={}, tags=tags) as run:
        yield run
        run.artifact(results)


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    settings = load_section("evaluate", EvaluateSettings)
    pipeline = load_section("pipeline", PipelineSettings)
    device, compute = start_compute()
    order = memory_format(channels_last=compute.channels_last)
    train, valid, test = (open_patch_set(path) for path in (layout.TRAIN, layout.VALID, layout.TEST))
    clusters = cluster_patches(test.index["slide"].to_numpy(), test.classes, read_table(layout.COHORT))

    def evaluate_run(key: RunKey) -> None:
        folder = layout.classifier_model(key.folder)
        model = load_classifier(folder).to(memory_format=order)  # type: ignore[call-overload]
        health = ClassifierHealth.model_validate(load_metadata(folder)["health"])
        with _run(stage, "evaluate", key.identity, layout.evaluation(key.name)) as run:
            metrics = evaluate(
                model,
                test,
                valid,
                clusters,
                layout.evaluation(key.name),
                settings,
                device,
                health,
            )
            run.metrics({f"test/{name}": value for name, value in metrics.items()}, 0)
            run.health(health.state, converged=health.converged)
        for generator in pipeline.generators if key.regime == ORIGINAL else ():
            sets = layout.synthetic_sets(generator, pipeline.replicate_of_seed[key.seed])
            item = {"generator": generator, "classifier": key.classifier, "seed": key.seed}
            results = layout.trts(generator, key.classifier, key.seed)
            with _run(stage, "evaluate_on_synthetic", item, results) as run:
                metrics = evaluate_on_synthetic(
                    model,
                    {label: open_patch_set(path) for label, path in sets.items()},
                    results,
                    threshold=settings.threshold,
                    confidence=settings.confidence,
                    device=device,
                )
                run.metrics({f"trts/{name}": value for name, value in metrics.items()}, 0)
                run.health(health.state, converged=health.converged)

    # In threads: torch computes without the interpreter's lock, and a process would spend seconds on imports.
    keys = pipeline.runs()
    with ThreadPoolExecutor(load_section("jobs", JobSettings).processes) as pool:
        for _ in tracked(pool.map(evaluate_run, keys), len(keys), "classifiers", "evaluate"):
            pass
    accuracy = mean_colour_baseline(train.images, train.classes, test.images, test.classes)
    Baseline(accuracy=accuracy).save(layout.BASELINE)
    stage.run.metrics({"test/mean_colour_accuracy": accuracy}, 0)


if __name__ == "__main__":
    main()
