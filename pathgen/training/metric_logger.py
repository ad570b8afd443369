"""What long work tells while it runs, without knowing who listens."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class MetricLogger(Protocol):
    """Listens to a training run; MLflow in the pipeline, nobody in a test or on a bare machine."""

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Take named numbers (keys as in docs/metrics.md) at a step."""

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        """Take a picture, uint8 of shape (H, W, 3), at a step."""


class NullLogger:
    """A recorder that keeps nothing."""

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Drop the numbers."""

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        """Drop the picture."""


class LabelLogger:
    """Appends the label to each key: one run holds the trainings of all labels."""

    def __init__(self, logger: MetricLogger, label: str) -> None:
        """Wrap a logger."""
        self._logger, self._label = logger, label

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers as ``{key}/{label}``."""
        self._logger.metrics({f"{key}/{self._label}": value for key, value in values.items()}, step)

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        """Log an image as ``{key}/{label}``."""
        self._logger.image(f"{key}/{self._label}", image, step)
