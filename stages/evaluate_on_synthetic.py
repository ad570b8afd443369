"""Test one classifier of original patches on the synthetic ones (TRTS)."""

import argparse

from pathgen.classifier.checkpoint import load_classifier
from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.params import load_section
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.evaluation.trts import evaluate_on_synthetic
from pathgen.patches.store import open_patch_set
from pathgen.run_matrix import classifier_run
from pathgen.training.compute import apply_compute
from pathgen.training.settings import ComputeSettings
from stages.context import running

# Of section `evaluate`, as in dvc.yaml.
USED = ("threshold", "confidence")


@cli_errors()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--classifier", required=True)
    parser.add_argument("--seed", required=True, type=int)
    wanted = parser.parse_args()
    model = layout.classifier_model(classifier_run("original", None, wanted.classifier, wanted.seed))
    sets = layout.synthetic_sets(wanted.generator)
    results = layout.trts(wanted.generator, wanted.classifier, wanted.seed)
    settings = load_section("evaluate", EvaluateSettings).model_dump(include=set(USED))
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    with running(
        "evaluate_on_synthetic",
        settings={"evaluate": settings, "compute": compute},
        inputs=[*sets.values(), model],
        item=vars(wanted),
        classifiers=[wanted.classifier],
    ) as stage:
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
