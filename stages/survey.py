"""Show the cohort: a page of all slides with outliers and exclusions, pictures, contact sheets."""

from dataclasses import asdict
from pathlib import Path

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.jobs.settings import JobSettings
from pathgen.survey.settings import SurveySettings
from pathgen.survey.survey import survey_cohort
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    threads = load_section("jobs", JobSettings).processes
    found = survey_cohort(Path(), layout.SURVEY, load_section("survey", SurveySettings), threads)
    stage.run.metrics({f"survey/{name}": count for name, count in asdict(found).items()}, 0)
    stage.run.artifact(layout.SURVEY, "cohort")


if __name__ == "__main__":
    main()
