"""Find the slides or draw the phantom's, pair each with its annotation, and open every one."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.patches.parquet import write_table
from pathgen.sources.outline_check import pictures_in
from pathgen.sources.source_discovery import load_cohort_settings, load_source
from pathgen.wsi.settings import IndexSettings
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    cohort, index = load_cohort_settings(), load_section("index", IndexSettings)
    # An output of this stage in dvc.yaml for every source; it stays empty for all but the phantom.
    layout.PHANTOM.mkdir(parents=True, exist_ok=True)
    with pictures_in(layout.IMPLAUSIBLE_OUTLINES):
        slides = load_source(cohort.source).find_cohort(cohort.folder, cohort, index.annotations)
    write_table(slides, layout.COHORT)
    stage.run.text("cohort.csv", slides.to_csv(index=False))
    stage.run.metrics({"cohort/slides": len(slides), "cohort/skipped": slides["skipped"].count()}, 0)


if __name__ == "__main__":
    main()
