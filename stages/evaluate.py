"""Judge one classifier on the one original test set."""

import argparse

from pathgen.classifier.checkpoint import load_classifier, load_facts
from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.params import load_section
from pathgen.evaluation.evaluate import evaluate
from pathgen.evaluation.load import has_slides, slide_patients
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.patches.parquet import read_table
from pathgen.patches.store import open_patch_set
from pathgen.training.compute import apply_compute
from pathgen.training.settings import ComputeSettings
from stages.context import running

# Chooses the operating point's threshold.
# Of section `evaluate`, as in dvc.yaml.
USED = ("threshold", "confidence", "specificity", "calibration_bins", "resamples", "seed")
IDENTITY = ("regime", "generator", "classifier", "seed")


@cli_errors()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, help="name of the classifier's run, e.g. mixed-dcgan-cnn6-1")
    name = parser.parse_args().run
    model, results = layout.classifier_model(name), layout.evaluation(name)
    settings = load_section("evaluate", EvaluateSettings).model_dump(include=set(USED))
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    facts = load_facts(model)
    with running(
        "evaluate",
        settings={"evaluate": settings, "compute": compute},
        inputs=[layout.TEST, layout.VALID, model],
        item={key: facts[key] for key in IDENTITY if facts[key] is not None},
        classifiers=[facts["classifier"]],
    ) as stage:
        cohort = read_table(layout.COHORT)
        metrics = evaluate(
            load_classifier(model),
            open_patch_set(layout.TEST),
            open_patch_set(layout.VALID),
            results,
            slides_known=has_slides(cohort),
            patients=slide_patients(cohort),
            **settings,
            device=device,
        )
        stage.run.metrics({f"test/{key}": value for key, value in metrics.items()}, 0)
        stage.run.artifact(results)


if __name__ == "__main__":
    main()
