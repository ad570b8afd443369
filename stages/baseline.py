"""Measure how far mean colour alone gets on the same test set."""

from pathlib import Path

from pathgen.core.files import write_json
from pathgen.errors import errors_to_exit
from pathgen.metrics.utility import mean_colour_baseline
from pathgen.patches.store import open_patch_set
from stages.runtime import running

TRAIN = Path("data/patches/train")
TEST = Path("data/patches/test")


@errors_to_exit()
def main() -> None:
    """Run the stage."""
    with running("baseline", settings={}, inputs=[TRAIN, TEST]) as stage:
        train, test = open_patch_set(TRAIN), open_patch_set(TEST)
        accuracy = mean_colour_baseline(train.images, train.classes, test.images, test.classes)
        write_json(Path("results/baseline.json"), {"accuracy": accuracy})
        stage.run.metrics({"test/mean_colour_accuracy": accuracy}, 0)


if __name__ == "__main__":
    main()
