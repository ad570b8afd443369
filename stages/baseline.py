"""Measure how far mean colour alone gets on the same test set."""

from pathlib import Path

from pathgen.core.errors import cli_errors
from pathgen.core.files import write_json
from pathgen.metrics.classification import mean_colour_baseline
from pathgen.patches.store import open_patch_set
from stages.context import running

TRAIN = Path("data/patches/train")
TEST = Path("data/patches/test")


@cli_errors()
def main() -> None:
    """Run the stage."""
    with running("baseline", settings={}, inputs=[TRAIN, TEST]) as stage:
        train, test = open_patch_set(TRAIN), open_patch_set(TEST)
        accuracy = mean_colour_baseline(train.images, train.classes, test.images, test.classes)
        write_json(Path("results/baseline.json"), {"accuracy": accuracy})
        stage.run.metrics({"test/mean_colour_accuracy": accuracy}, 0)


if __name__ == "__main__":
    main()
