"""Read the pixels of the drawn patches, each role a patch set of its own."""

from pathlib import Path

from pathgen.core.errors import cli_errors
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.jobs.settings import SlideWorkSettings
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.settings import ExtractSettings
from pathgen.patches.store import open_patch_set
from pathgen.patches.tables import read_table
from pathgen.sources.extraction import extract_cohort
from pathgen.sources.registry import SOURCES
from pathgen.sources.settings import PHANTOM_FOLDER, CohortSettings
from stages.context import running

COHORT = Path("data/cohort.parquet")
SAMPLES = Path("data/samples.parquet")
PATCHES = Path("data/patches")
SLIDES = Path("data/patches_by_slide.parquet")


@cli_errors()
def main() -> None:
    """Run the stage."""
    cohort = load_section("cohort", CohortSettings)
    extract = load_section("extract", ExtractSettings)
    slide_work = load_section("slide_work", SlideWorkSettings)
    settings = {"cohort": cohort, "extract": extract}
    with running("extract", settings=settings, inputs=[COHORT, SAMPLES, PHANTOM_FOLDER]) as stage:
        extract_cohort(
            SOURCES[cohort.source],
            cohort.folder,
            read_table(COHORT),
            read_table(SAMPLES),
            cohort,
            extract.size_px,
            PATCHES,
            SLIDES,
            slide_work,
        )
        train = open_patch_set(PATCHES / "train")
        for label in LABELS:
            stage.run.image(f"original/{label}", patch_grid(train.of_label(label).images[:64], 8, scale=2), 0)


if __name__ == "__main__":
    main()
