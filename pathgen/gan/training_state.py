"""State of a training apart from its networks: counters, logged rows, sample grids; part of each snapshot."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.gan.generators.interface import GanPair, GeneratorSettings, PrivacyAccountant
from pathgen.gan.synthesis import to_uint8
from pathgen.patches.image_grid import patch_grid
from pathgen.training.metric_logger import MetricLogger

GRID_SIZE = 64
_GRID_COLUMNS = 8
# Number of log intervals, sample grids and probes of a training.
LOGS = 200
SAMPLES = 10
PROBES = 20
# Upper limit of a mean loss in nats: a wrong answer at odds of e**100.
_MAX_LOSS = 100.0
# Lower limit of the spread of generated images, relative to that of originals.
_MIN_SPREAD = 0.02
# Log intervals in a row, of 200 in a training, after which it ends; single peaks pass.
_DIVERGED_AFTER = 5
_COLLAPSED_AFTER = 10
_RATES = "Lower the learning rates of the recipe"
_HINT = f"{_RATES}, or set compute.precision to fp32"


class DivergenceMonitor:
    """Checks the means of each log interval; values out of bounds for several intervals end the training."""

    def __init__(self, *, originals_vary: bool) -> None:
        self._originals_vary = originals_vary
        self._diverging = 0
        self._collapsing = 0

    @property
    def is_healthy(self) -> bool:
        """Whether the last log interval was within bounds."""
        return not self._diverging and not self._collapsing

    def check(self, means: Mapping[str, float]) -> tuple[str, str] | None:
        """Check the means of one log interval.

        Args:
            means: Means of the statistics, by key.

        Returns:
            Reason and hint if the training must end, else None.
        """
        for name, value in means.items():
            if not isfinite(value):
                return f"{name} is not finite", _HINT
        losses = means["gan/discriminator_loss"], means["gan/generator_loss"]
        spread = means["gan/spread_ratio"]
        self._diverging = self._diverging + 1 if max(losses) > _MAX_LOSS else 0
        collapsed = self._originals_vary and spread < _MIN_SPREAD
        self._collapsing = self._collapsing + 1 if collapsed else 0
        if self._diverging == _DIVERGED_AFTER:
            values = f"discriminator {losses[0]:.3g}, generator {losses[1]:.3g} nats"
            return f"the losses stay above {_MAX_LOSS:g} ({values}): the training diverges", _RATES
        if self._collapsing == _COLLAPSED_AFTER:
            return (
                f"the spread of generated images is {spread:.1%} of that of originals: the generator has "
                "collapsed to one image",
                f"{_RATES}, or that of the discriminator alone, or choose another seed",
            )
        return None


class TrainingState:
    """Counters, means of statistics since the last log, and everything logged so far."""

    def __init__(
        self,
        settings: GeneratorSettings,
        statistics: tuple[str, ...],
        logger: MetricLogger,
        desc: str,
        *,
        originals_vary: bool,
        accountant: PrivacyAccountant | None = None,
    ) -> None:
        """Start at step 0.

        Args:
            settings: The recipe.
            statistics: Keys of the trainer's statistics.
            logger: Receives metrics and sample grids.
            desc: Description of the training, for messages.
            originals_vary: Whether to check for collapse: False if all originals are equal.
            accountant: Differential-privacy accountant, whose metrics are logged too; None: no guarantee.
        """
        self.step = 0
        self.rows: list[dict[str, float]] = []
        self.probe_history: list[dict[str, float]] = []
        self.sample_grids: list[tuple[float, NDArray[np.uint8]]] = []
        self._statistics = statistics
        self._totals = torch.zeros(len(statistics), dtype=torch.float64)
        self._count = 0
        self._settings = settings
        self.monitor = DivergenceMonitor(originals_vary=originals_vary)
        self._logger = logger
        self._desc = desc
        self._accountant = accountant

    @property
    def images(self) -> int:
        """Number of original images so far."""
        return self.step * self._settings.batch_size

    def add(self, statistics: dict[str, torch.Tensor]) -> None:
        """Count one step; its statistics stay on the device, so that a GPU need not wait."""
        values = torch.stack([statistics[name] for name in self._statistics]).double()
        self._totals = self._totals.to(values.device) + values
        self._count += 1
        self.step += 1

    def is_due(self, times: int) -> bool:
        """Return whether this step completes one of `times` equal parts of the training."""
        steps = self._settings.steps
        return self.step * times // steps > (self.step - 1) * times // steps

    def log(self) -> dict[str, str]:
        """Log the means of the statistics since the last call.

        Returns:
            Short values for the progress bar.

        Raises:
            PathgenError: A mean is not finite, or the training has diverged or collapsed.
        """
        means = dict(zip(self._statistics, (self._totals / self._count).tolist(), strict=True))
        problem = self.monitor.check(means)
        if problem is not None:
            self._logger.metrics({key: value for key, value in means.items() if isfinite(value)}, self.images)
            self._fail(*problem)
        self._totals, self._count = torch.zeros_like(self._totals), 0
        row = means | ({} if self._accountant is None else self._accountant.metrics(self.step))
        self.rows.append({"kimg": self.images / 1000, **row})
        self._logger.metrics(row, self.images)
        return {
            "D": f"{means['gan/discriminator_loss']:.2f}",
            "G": f"{means['gan/generator_loss']:.2f}",
            "spread": f"{means['gan/spread_ratio']:.2f}",
        }

    def log_samples(self, images: torch.Tensor) -> None:
        """Log a sample grid.

        Args:
            images: (`GRID_SIZE`, 3, H, H), from the same latents each time.
        """
        grid = patch_grid(to_uint8(images), columns=_GRID_COLUMNS, scale=2)
        self.sample_grids.append((self.images / 1000, grid))
        self._logger.image("samples", grid, self.images)

    def log_probe(self, values: dict[str, float]) -> None:
        """Log the values of `SampleGrids.probe`."""
        self.probe_history.append({"kimg": self.images / 1000, **values})
        self._logger.metrics(values, self.images)

    def check(self, pair: GanPair) -> None:
        """Check that statistics and weights are finite.

        Raises:
            PathgenError: A statistic since the last log, or a weight, is not finite.
        """
        for name, value in zip(self._statistics, self._totals.tolist(), strict=True):
            if not isfinite(value):
                self._fail(f"{name} is not finite", _HINT)
        if not pair.is_finite():
            self._fail("a weight is not finite", _HINT)

    def _fail(self, reason: str, hint: str) -> NoReturn:
        raise PathgenError(
            self._desc, f"after {self.images} images {reason}", f"{hint}; the last good snapshot is kept"
        )

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a snapshot."""
        return {
            "step": self.step,
            "count": self._count,
            "totals": self._totals,
            "rows": self.rows,
            "probe_history": self.probe_history,
            "sample_grids": [(kimg, torch.from_numpy(grid)) for kimg, grid in self.sample_grids],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state."""
        self.step, self._count, self._totals = state["step"], state["count"], state["totals"]
        self.rows, self.probe_history = state["rows"], state["probe_history"]
        self.sample_grids = [(kimg, grid.numpy()) for kimg, grid in state["sample_grids"]]
