"""Find the candidate patches of all slides, with their fractions of tissue and tumour."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.jobs.settings import JobSettings
from pathgen.patches.parquet import read_table
from pathgen.sources.index import index_cohort
from pathgen.sources.source_discovery import load_cohort_settings
from pathgen.wsi.settings import IndexSettings
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    index, jobs = load_section("index", IndexSettings), load_section("jobs", JobSettings)
    candidates = index_cohort(read_table(layout.COHORT), load_cohort_settings(), index, layout.INDEX, jobs)
    stage.run.metrics({"index/candidates": candidates}, 0)
    stage.run.artifact(layout.OVERLAYS, layout.OVERLAYS.name)


if __name__ == "__main__":
    main()
