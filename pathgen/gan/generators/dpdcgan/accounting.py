"""Noise for a privacy budget, and the privacy loss of a training, by Opacus' RDP accountant.

The accountant of Renyi divergences is a proven bound, and cheap enough to be asked at each log interval.
Source: Mironov et al. 2019 (arXiv 1908.10530) for the Gaussian mechanism with Poisson sampling, Balle et al.
2020 (arXiv 1905.09982, theorem 21) for epsilon.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.dpdcgan.poisson_sampler import count_units
from pathgen.gan.generators.dpdcgan.settings import DpDcganSettings

ACCOUNTANT = "rdp"
EPSILON = "gan/epsilon"
# Relative tolerance of the noise multiplier's search: epsilon is at most this far below its target.
_TOLERANCE = 0.001
_PLURAL = {"patch": "patches", "patient": "patients"}


class RdpAccountant:
    """Differential-privacy guarantee of one training (see `PrivacyAccountant`)."""

    def __init__(self, settings: DpDcganSettings, data: GanDataset) -> None:
        """Compute the noise that meets the budget.

        Args:
            settings: The recipe.
            data: Patches of the training.

        Raises:
            PathgenError: The batch has more units than the data, delta is so large that the guarantee says
                nothing, or no noise meets the budget.
        """
        self._settings = settings
        self.units = count_units(data, settings.unit)
        self.sample_rate = settings.sample_rate(self.units)
        _check_meaning(settings, self.units)
        self.noise_multiplier = 0.0
        if settings.target_epsilon is not None:
            self.noise_multiplier = _noise_multiplier(
                settings.target_epsilon, settings.target_delta, self.sample_rate, settings.steps
            )

    def epsilon(self, steps: int) -> float:
        """Return the privacy loss at the recipe's delta.

        Args:
            steps: Number of steps so far.

        Returns:
            Infinite without noise, 0 before the first step.
        """
        if steps == 0:
            return 0.0
        if self.noise_multiplier == 0.0:
            return math.inf
        from opacus.accountants.analysis import rdp  # noqa: PLC0415 - loads for 2 s

        orders, of_one = _divergences(self.sample_rate, self.noise_multiplier)
        with _coarse_orders():
            spent, _ = rdp.get_privacy_spent(
                orders=orders, rdp=steps * of_one, delta=self._settings.target_delta
            )
        return float(spent)

    def guarantee(self) -> dict[str, Any]:
        """Return the entry ``privacy`` of model.json; its ``epsilon`` is None without noise."""
        spent = self.epsilon(self._settings.steps)
        return {
            "unit": self._settings.unit,
            "units": self.units,
            "epsilon": spent if math.isfinite(spent) else None,
            "delta": self._settings.target_delta,
            "noise_multiplier": self.noise_multiplier,
            "max_grad_norm": self._settings.max_grad_norm,
            "sample_rate": self.sample_rate,
            "steps": self._settings.steps,
            "accountant": ACCOUNTANT,
            "secret": self._settings.secret_file is not None,
        }

    def metrics(self, step: int) -> dict[str, float]:
        """Return the privacy loss after a number of steps; empty without a budget."""
        return {} if self._settings.target_epsilon is None else {EPSILON: self.epsilon(step)}


def _check_meaning(settings: DpDcganSettings, units: int) -> None:
    if settings.units_per_step > units:
        raise PathgenError(
            "batch_size of the recipe",
            f"needs {settings.units_per_step} of {units} {_PLURAL[settings.unit]} per step",
            "Lower it, or raise patches_per_unit",
        )
    if settings.target_epsilon is not None and settings.target_delta * units >= 1.0:
        raise PathgenError(
            "target_delta of the recipe",
            f"is {settings.target_delta:g}: one of {units} {_PLURAL[settings.unit]} could be revealed",
            f"Set it well below 1 / {units}",
        )


@lru_cache
def _noise_multiplier(epsilon: float, delta: float, sample_rate: float, steps: int) -> float:
    """Return the standard deviation of the noise, in units of the clipping norm, that meets a budget."""
    from opacus.accountants.utils import get_noise_multiplier  # noqa: PLC0415 - loads for 2 s

    try:
        with _coarse_orders():
            found = get_noise_multiplier(
                target_epsilon=epsilon,
                target_delta=delta,
                sample_rate=sample_rate,
                steps=steps,
                accountant=ACCOUNTANT,
                epsilon_tolerance=_TOLERANCE * epsilon,
            )
    except ValueError:
        raise PathgenError(
            "target_epsilon of the recipe",
            f"is {epsilon:g}, which no noise reaches at delta {delta:g}",
            "Raise it, or target_delta",
        ) from None
    return float(found)


@lru_cache
def _divergences(sample_rate: float, noise: float) -> tuple[list[float], Any]:
    """Return Opacus' orders and the divergence of one step at each; n steps have n times the divergence."""
    from opacus.accountants import RDPAccountant  # noqa: PLC0415
    from opacus.accountants.analysis import rdp  # noqa: PLC0415

    orders = RDPAccountant.DEFAULT_ALPHAS
    return orders, rdp.compute_rdp(q=sample_rate, noise_multiplier=noise, steps=1, orders=orders)


@contextmanager
def _coarse_orders() -> Iterator[None]:
    """Silence the warning about the first or last order, at which epsilon is larger than necessary."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is the (smallest|largest) alpha")
        yield
