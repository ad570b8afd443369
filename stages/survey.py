"""Show the cohort: a page of all slides with outliers and what was left out, pictures, contact sheets."""

from pathlib import Path

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.survey.settings import SurveySettings
from pathgen.survey.survey import inputs_under, survey_cohort
from stages.context import Stage, dvc_stage

DATA = Path("data")


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    settings = load_section("survey", SurveySettings)
    inputs = inputs_under(DATA)
    found = survey_cohort(inputs, layout.SURVEY, **settings.model_dump())
    stage.run.metrics(
        {
            "survey/slides": found.slides,
            "survey/left_out": found.left_out,
            "survey/outliers": found.outliers,
            "survey/incomplete_patches": found.incomplete_patches,
        },
        0,
    )
    stage.run.artifact(layout.SURVEY, "cohort")


if __name__ == "__main__":
    main()
