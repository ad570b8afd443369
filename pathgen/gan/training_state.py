"""The course of a training: where it is, what it has told, and whether it still makes sense."""

from collections.abc import Callable
from math import isfinite
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.gan.divergence import Health
from pathgen.gan.generator_spec import GanTrainer, Recipe
from pathgen.gan.synthesis import to_uint8
from pathgen.patches.image_grid import patch_grid
from pathgen.training.checkpoint import Snapshot
from pathgen.training.metric_logger import MetricLogger

GRID = 64
_GRID_COLUMNS = 8
_LOGS = 200
_PICTURES = 10
_LOOKS = 20
_HINT = "Lower train_gan's learning rates, or set compute.precision to fp32"
_KEPT = "the last good snapshot is kept"


class TrainingState:
    """Counts steps, averages their statistics, keeps rows and pictures; all of it goes into a snapshot."""

    def __init__(
        self,
        recipe: Recipe,
        statistics: tuple[str, ...],
        health: Health,
        recorder: MetricLogger,
        what: str,
        told: Callable[[int], dict[str, float]] = lambda _: {},
    ) -> None:
        self.step = 0
        self.rows: list[dict[str, float]] = []
        self.looks: list[dict[str, float]] = []
        self.pictures: list[tuple[float, NDArray[np.uint8]]] = []
        self._statistics = statistics
        self._totals = torch.zeros(len(statistics), dtype=torch.float64)
        self._counted = 0
        self._recipe = recipe
        self._health = health
        self._recorder = recorder
        self._what = what
        self._told = told

    @property
    def images(self) -> int:
        """Original images shown so far."""
        return self.step * self._recipe.batch_size

    def add(self, statistics: dict[str, torch.Tensor]) -> None:
        """Count one step and its statistics; they stay on the device, so that a GPU need not wait."""
        values = torch.stack([statistics[name] for name in self._statistics]).double()
        self._totals = self._totals.to(values.device) + values
        self._counted += 1
        self.step += 1

    def _is_time(self, times: int) -> bool:
        """Tell whether this step completes one of `times` equal parts of the training."""
        steps = self._recipe.steps
        return self.step * times // steps > (self.step - 1) * times // steps

    @property
    def is_time_to_log(self) -> bool:
        """True 200 times in a training (each step of a shorter one), and at its end."""
        return self._is_time(_LOGS)

    @property
    def is_time_for_a_picture(self) -> bool:
        """True 10 times in a training, the last time at its end."""
        return self._is_time(_PICTURES)

    @property
    def is_time_for_a_look(self) -> bool:
        """True 20 times in a training, the last time at its end."""
        return self._is_time(_LOOKS)

    def log(self) -> dict[str, str]:
        """Average, check and record the statistics since the last call.

        Returns:
            The few that fit on a progress bar.

        Raises:
            PathgenError: One of them is not finite, or the training has diverged or collapsed.
        """
        means = dict(zip(self._statistics, (self._totals / self._counted).tolist(), strict=True))
        problem = self._health.judge(means)
        if problem is not None:
            self._recorder.metrics(
                {key: value for key, value in means.items() if isfinite(value)}, self.images
            )
            self._fail(*problem)
        self._totals, self._counted = torch.zeros_like(self._totals), 0
        row = means | self._told(self.step)
        self.rows.append({"kimg": self.images / 1000, **row})
        self._recorder.metrics(row, self.images)
        return {
            "D": f"{means['gan/discriminator_loss']:.2f}",
            "G": f"{means['gan/generator_loss']:.2f}",
            "spread": f"{means['gan/spread_ratio']:.2f}",
        }

    def keep_picture(self, images: torch.Tensor) -> None:
        """Keep and record a grid.

        Args:
            images: (`GRID`, 3, H, H), of the same latents each time.
        """
        picture = patch_grid(to_uint8(images), columns=_GRID_COLUMNS, scale=2)
        self.pictures.append((self.images / 1000, picture))
        self._recorder.image("samples", picture, self.images)

    def keep_look(self, look: dict[str, float]) -> None:
        """Keep and record what `Watch.look` told."""
        self.looks.append({"kimg": self.images / 1000, **look})
        self._recorder.metrics(look, self.images)

    @property
    def is_well(self) -> bool:
        """False while the last record was beyond the bounds of a sane training."""
        return self._health.is_well

    def check(self, players: GanTrainer) -> None:
        """Refuse to keep networks that have left the finite numbers.

        Raises:
            PathgenError: A statistic since the last log, or a weight, is not finite.
        """
        for name, value in zip(self._statistics, self._totals.tolist(), strict=True):
            if not isfinite(value):
                self._fail(f"{name} is no finite number", _HINT)
        if not players.are_finite():
            self._fail("a weight is no finite number", _HINT)

    def _fail(self, reason: str, hint: str) -> NoReturn:
        raise PathgenError(self._what, f"after {self.images} images {reason}", f"{hint}; {_KEPT}")

    def snapshot(self, tensors: dict[str, torch.Tensor], described: dict[str, Any]) -> Snapshot:
        """Join the players' state with how far the training is.

        Args:
            tensors: Of the players' `state`.
            described: Of the players' `state`.
        """
        pictures = {
            f"picture/{number:03d}": torch.from_numpy(picture)
            for number, (_, picture) in enumerate(self.pictures)
        }
        plain = {
            "players": described,
            "step": self.step,
            "counted": self._counted,
            "rows": self.rows,
            "looks": self.looks,
            "pictures_kimg": [kimg for kimg, _ in self.pictures],
        }
        return Snapshot({**tensors, **pictures, "totals": self._totals}, plain)

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from where a `snapshot` was made."""
        self.step = snapshot.plain["step"]
        self.rows = snapshot.plain["rows"]
        self.looks = snapshot.plain["looks"]
        self._counted = snapshot.plain["counted"]
        self._totals = snapshot.tensors["totals"]
        self.pictures = [
            (kimg, snapshot.tensors[f"picture/{number:03d}"].numpy())
            for number, kimg in enumerate(snapshot.plain["pictures_kimg"])
        ]
