"""Read the pixels of the sampled patches, and write one patch set per role."""

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.jobs.settings import JobSettings
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.parquet import read_table
from pathgen.patches.settings import ExtractSettings
from pathgen.patches.store import open_patch_set
from pathgen.sources.extract import extract_cohort
from pathgen.sources.source_discovery import load_cohort_settings
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    settings, jobs = load_section("extract", ExtractSettings), load_section("jobs", JobSettings)
    cohort, samples = read_table(layout.COHORT), read_table(layout.SAMPLES)
    files = (layout.PATCHES, layout.EXTRACTED_SLIDES)
    extract_cohort(cohort, samples, load_cohort_settings(), settings.size_px, *files, jobs)
    train = open_patch_set(layout.TRAIN)
    for label in LABELS:
        stage.run.image(f"original/{label}", patch_grid(train.of_label(label).images[:64], 8, scale=2), 0)


if __name__ == "__main__":
    main()
