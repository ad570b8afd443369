"""Measure how far mean colour alone gets on the same test set."""

from pathgen.core import layout
from pathgen.core.files import write_json
from pathgen.metrics.classification import mean_colour_baseline
from pathgen.patches.store import open_patch_set
from stages.context import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    train, test = open_patch_set(layout.TRAIN), open_patch_set(layout.TEST)
    accuracy = mean_colour_baseline(train.images, train.classes, test.images, test.classes)
    write_json(layout.BASELINE, {"accuracy": accuracy})
    stage.run.metrics({"test/mean_colour_accuracy": accuracy}, 0)


if __name__ == "__main__":
    main()
