"""Make every candidate patch out of tissue masks and lesion polygons, with its fractions."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.jobs.settings import JobSettings
from pathgen.patches.parquet import read_table
from pathgen.sources.index import OVERLAYS_FOLDER, index_cohort
from pathgen.sources.registry import SOURCES
from pathgen.sources.settings import CohortSettings
from pathgen.wsi.settings import IndexSettings
from stages.context import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    cohort = load_section("cohort", CohortSettings)
    index = load_section("index", IndexSettings)
    job_settings = load_section("jobs", JobSettings)
    candidates = index_cohort(
        SOURCES[cohort.source],
        cohort.folder,
        read_table(layout.COHORT),
        cohort,
        index,
        layout.INDEX,
        job_settings,
    )
    stage.run.metrics({"index/candidates": candidates}, 0)
    stage.run.artifact(layout.INDEX / OVERLAYS_FOLDER, OVERLAYS_FOLDER)


if __name__ == "__main__":
    main()
