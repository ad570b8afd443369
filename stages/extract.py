"""Read the pixels of the drawn patches, each role a patch set of its own."""

from functools import partial
from pathlib import Path

from pathgen.errors import errors_to_exit
from pathgen.labels import LABELS
from pathgen.params import load_section
from pathgen.patches.extraction import extract_roles, extracted_slides
from pathgen.patches.picture import patch_grid
from pathgen.patches.settings import ExtractSettings
from pathgen.patches.store import open_patch_set
from pathgen.patches.tables import read_table, write_table
from pathgen.sources.registry import SOURCES
from pathgen.sources.settings import PHANTOM_FOLDER, CohortSettings
from stages.runtime import running

COHORT = Path("data/cohort.parquet")
SAMPLES = Path("data/samples.parquet")
PATCHES = Path("data/patches")
SLIDES = Path("data/patches_by_slide.parquet")


@errors_to_exit()
def main() -> None:
    """Run the stage."""
    cohort = load_section("cohort", CohortSettings)
    extract = load_section("extract", ExtractSettings)
    settings = {"cohort": cohort, "extract": extract}
    with running("extract", settings=settings, inputs=[COHORT, SAMPLES, PHANTOM_FOLDER]) as stage:
        read = partial(read_rows, cohort, extract.size_px)
        samples = read_table(SAMPLES)
        extract_roles(read, samples, PATCHES, extract.size_px, extract.threads)
        write_table(extracted_slides(samples), SLIDES)
        train = open_patch_set(PATCHES / "train")
        for label in LABELS:
            stage.run.image(f"original/{label}", patch_grid(train.of_label(label).images[:64], 8, scale=2), 0)


def read_rows(cohort: CohortSettings, size_px, rows):  # type: ignore[no-untyped-def]
    """Read the pixels of some rows of the samples table from the cohort's source."""
    return SOURCES[cohort.source].read_patches(cohort.folder, rows, size_px, cohort)


if __name__ == "__main__":
    main()
