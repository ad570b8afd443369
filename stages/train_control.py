"""Train one classifier on every control of usefulness, as on a synthetic set."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.run_matrix import PipelineSettings, control_folder
from stages.stage import Stage, dvc_stage
from stages.train_classifier import train


@dvc_stage(trains=True)
def main(stage: Stage, *, classifier: str) -> None:
    """Run the stage."""
    runs = load_section("pipeline", PipelineSettings).runs()
    controls = [run for run in runs if run.is_control and run.classifier == classifier]
    folder = control_folder(classifier)
    for outputs in (layout.CLASSIFIER_MODELS, layout.TRAINING):
        (outputs / folder).mkdir(parents=True, exist_ok=True)  # also without a control
    if controls:
        train(stage, "synthetic", controls, folder)


if __name__ == "__main__":
    main()
