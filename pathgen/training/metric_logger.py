"""Interface of the loggers of trainings."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class MetricLogger(Protocol):
    """Logger of a training: MLflow in the pipeline."""

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers at a step, with the keys of docs/metrics.md."""

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        """Log an image, uint8 (H, W, 3), at a step."""


class TrainingRun(MetricLogger, Protocol):
    """Record of one training: an MLflow run of its own in the pipeline."""

    def tag(self, key: str, value: str) -> None:
        """Set a tag."""

    def health(self, state: str, *, converged: bool) -> None:
        """Record the state of the training."""


#: Opens the record of a training from its name, ``parameters`` and ``tags``; picklable.
OpenRun = Callable[..., AbstractContextManager[TrainingRun]]


class NullLogger:
    """Logger that discards everything."""

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Discard the numbers."""

    def image(self, key: str, image: NDArray[np.uint8], step: int) -> None:
        """Discard the image."""


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
