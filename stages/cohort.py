"""Find the slides (or make the phantom ones), pair each with its annotation, open every one."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.patches.parquet import write_table
from pathgen.sources.registry import SOURCES
from pathgen.sources.settings import PHANTOM_FOLDER, CohortSettings
from stages.context import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    cohort = load_section("cohort", CohortSettings)
    # DVC asks for this output whatever the source; it stays empty for all but the phantom.
    PHANTOM_FOLDER.mkdir(parents=True, exist_ok=True)
    slides = SOURCES[cohort.source].find_cohort(cohort.folder, cohort)
    write_table(slides, layout.COHORT)
    stage.run.text("cohort.csv", slides.to_csv(index=False))
    stage.run.metrics({"cohort/slides": len(slides), "cohort/skipped": slides["skipped"].count()}, 0)


if __name__ == "__main__":
    main()
