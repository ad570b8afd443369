"""Settings of section ``tracking``; no result depends on them."""

from pydantic import Field

from pathgen.core.params import Settings


class TrackingSettings(Settings):
    """What MLflow records; ``MLFLOW_TRACKING_URI`` sets the store."""

    experiment: str = Field(
        description="MLflow experiment; the environment variable MLFLOW_EXPERIMENT_NAME wins.",
        min_length=1,
        max_length=200,
    )
    system_metrics: bool = Field(description="Sample processor, memory, disk and GPU use of training stages.")
    system_metrics_interval_s: float = Field(
        description="Seconds between two samples of the system metrics.", ge=0.5, le=3600
    )
