"""Judge one classifier on the one original test set."""

from pathgen.classifier.checkpoint import load_classifier, load_metadata
from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.evaluation.evaluate import evaluate
from pathgen.evaluation.load import has_slides, slide_patients
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.patches.parquet import read_table
from pathgen.patches.store import open_patch_set
from pathgen.training.compute import start_compute
from stages.context import Stage, dvc_stage

# Chooses the operating point's threshold.
# Of section `evaluate`, as in dvc.yaml.
USED = ("threshold", "confidence", "specificity", "calibration_bins", "resamples", "seed")
IDENTITY = ("regime", "generator", "classifier", "seed")


@dvc_stage()
def main(stage: Stage, *, run: str) -> None:
    """Run the stage."""
    model, results = layout.classifier_model(run), layout.evaluation(run)
    settings = load_section("evaluate", EvaluateSettings).model_dump(include=set(USED))
    device, _ = start_compute()
    facts = load_metadata(model)
    for key in IDENTITY:
        if facts[key] is not None:
            stage.run.tag(key, str(facts[key]))
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
