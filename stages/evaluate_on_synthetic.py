"""Test one classifier of original patches on the synthetic ones (TRTS)."""

from pathgen.classifier.checkpoint import load_classifier
from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.evaluation.trts import evaluate_on_synthetic
from pathgen.patches.store import open_patch_set
from pathgen.run_matrix import classifier_run
from pathgen.training.compute import start_compute
from stages.context import Stage, dvc_stage

# Of section `evaluate`, as in dvc.yaml.
USED = ("threshold", "confidence")


@dvc_stage()
def main(stage: Stage, *, generator: str, classifier: str, seed: int) -> None:
    """Run the stage."""
    model = layout.classifier_model(classifier_run("original", None, classifier, seed))
    sets = layout.synthetic_sets(generator)
    results = layout.trts(generator, classifier, seed)
    settings = load_section("evaluate", EvaluateSettings).model_dump(include=set(USED))
    device, _ = start_compute()
    metrics = evaluate_on_synthetic(
        load_classifier(model),
        {label: open_patch_set(folder) for label, folder in sets.items()},
        results,
        **settings,
        device=device,
    )
    stage.run.metrics({f"trts/{key}": value for key, value in metrics.items()}, 0)
    stage.run.artifact(results)


if __name__ == "__main__":
    main()
