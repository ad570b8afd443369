"""The one MLflow run that all runs of the scaling experiment are nested under."""

from pathgen.core import layout
from pathgen.core.files import sha256_of
from pathgen.core.params import load_section
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.parents import Parent, nest_under
from pathgen.tracking.settings import TrackingSettings


def nest(run: MlflowLogger, settings: ScalingSettings) -> Parent:
    """Nest a stage's run: under one parent is what is drawn from the same slides and trained alike."""
    return nest_under(
        run,
        "scaling",
        {"training": settings.training.model_dump(), "samples": sha256_of(layout.SAMPLES)},
        experiment=load_section("tracking", TrackingSettings).experiment,
    )
