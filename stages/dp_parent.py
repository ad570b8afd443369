"""The one MLflow run that all runs of the privacy sweep are nested under."""

from pathlib import Path

from pathgen.core.files import sha256_of
from pathgen.core.params import Settings, load_section
from pathgen.gan.settings import DpDcganSettings
from pathgen.studies.dp_sweep.settings import DpSweepSettings
from pathgen.tracking.mlflow_logger import MlflowLogger
from pathgen.tracking.parents import Parent, nest_under
from pathgen.tracking.settings import TrackingSettings

SAMPLES = Path("data/samples.parquet")


def nest(run: MlflowLogger, settings: DpSweepSettings, private: DpDcganSettings) -> Parent:
    """Nest a stage's run: under one parent is what learns from the same patches by the same recipe."""
    shared: dict[str, Settings] = {"training": settings.training, "dpdcgan": private}
    return nest_under(
        run,
        "dp_sweep",
        {**{name: own.model_dump() for name, own in shared.items()}, "samples": sha256_of(SAMPLES)},
        experiment=load_section("tracking", TrackingSettings).experiment,
    )
