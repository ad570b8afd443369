"""How much noise a guarantee costs, and what a training has spent: Opacus' accountant, used here alone.

The accountant is that of Renyi divergences: a proven bound, and cheap enough to be asked for each record of a
training. Source: Mironov et al. 2019 (arXiv 1908.10530) for the Gaussian mechanism on a Poisson sample, Balle
et al. 2020 (arXiv 1905.09982, theorem 21) for epsilon.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.gan.generators.dpdcgan.hyperparams import PrivateRecipe

ACCOUNTANT = "rdp"
# What the course of a training tells of it; docs/metrics.md explains it.
EPSILON = "gan/epsilon"
# Of epsilon: how far below its target the noise may keep it.
_TOLERANCE = 0.001


def require_meaning(recipe: PrivateRecipe) -> None:
    """Refuse numbers with which a guarantee says nothing.

    Raises:
        PathgenError: More units are asked for per step than there are, or delta is so large that giving one
            whole unit away would be allowed.
    """
    if recipe.units_per_step > recipe.units:
        raise PathgenError(
            "train_gan.dpdcgan.batch_size",
            f"asks for {recipe.units_per_step} of {recipe.units} {_plural(recipe.unit)} per step",
            "Lower it, or raise patches_per_unit",
        )
    if recipe.target_epsilon is not None and recipe.target_delta * recipe.units >= 1.0:
        raise PathgenError(
            "train_gan.dpdcgan.target_delta",
            f"is {recipe.target_delta:g}: of {recipe.units} {_plural(recipe.unit)} one may be given away",
            f"Set it well below 1 / {recipe.units}",
        )


def _plural(unit: str) -> str:
    return {"patch": "patches", "patient": "patients"}[unit]


def noise_multiplier(recipe: PrivateRecipe) -> float:
    """Return the standard deviation of the noise, in units of the clipping norm, that meets the target.

    Args:
        recipe: Of the whole training.

    Returns:
        0 where no target is set.

    Raises:
        PathgenError: No noise is enough.
    """
    if recipe.target_epsilon is None:
        return 0.0
    return _noise_multiplier(recipe.target_epsilon, recipe.target_delta, recipe.sample_rate, recipe.steps)


@lru_cache
def _noise_multiplier(epsilon: float, delta: float, sample_rate: float, steps: int) -> float:
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
            "train_gan.dpdcgan.target_epsilon",
            f"is {epsilon:g}, which no noise reaches at delta {delta:g}",
            "Raise it, or target_delta",
        ) from None
    return float(found)


def epsilon(recipe: PrivateRecipe, steps: int) -> float:
    """Return the epsilon spent.

    Args:
        recipe: Of the training.
        steps: Done so far.

    Returns:
        At the recipe's delta; infinite without noise, 0 before the first step.
    """
    if steps == 0:
        return 0.0
    noise = noise_multiplier(recipe)
    if noise == 0.0:
        return math.inf
    from opacus.accountants.analysis import rdp  # noqa: PLC0415

    orders, of_one = _divergences(recipe.sample_rate, noise)
    with _coarse_orders():
        spent, _ = rdp.get_privacy_spent(orders=orders, rdp=steps * of_one, delta=recipe.target_delta)
    return float(spent)


@lru_cache
def _divergences(sample_rate: float, noise: float) -> tuple[list[float], Any]:
    """Return Opacus' orders and the divergence of one step at each; those of many steps are multiples."""
    from opacus.accountants import RDPAccountant  # noqa: PLC0415
    from opacus.accountants.analysis import rdp  # noqa: PLC0415

    orders = RDPAccountant.DEFAULT_ALPHAS
    return orders, rdp.compute_rdp(q=sample_rate, noise_multiplier=noise, steps=1, orders=orders)


@contextmanager
def _coarse_orders() -> Iterator[None]:
    """Silence that the best order is the first or last there is: epsilon is then larger than it need be."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Optimal order is the (smallest|largest) alpha")
        yield


def guarantee(recipe: PrivateRecipe) -> dict[str, Any]:
    """Return what a checkpoint tells of the guarantee of its training.

    Args:
        recipe: Of the whole training.

    Returns:
        As JSON knows it; ``epsilon`` is None where there is no noise, and so no guarantee.
    """
    spent = epsilon(recipe, recipe.steps)
    return {
        "unit": recipe.unit,
        "units": recipe.units,
        "epsilon": spent if math.isfinite(spent) else None,
        "delta": recipe.target_delta,
        "noise_multiplier": noise_multiplier(recipe),
        "max_grad_norm": recipe.max_grad_norm,
        "sample_rate": recipe.sample_rate,
        "steps": recipe.steps,
        "accountant": ACCOUNTANT,
        "secret": recipe.secret_file is not None,
    }


def told(recipe: PrivateRecipe, steps: int) -> dict[str, float]:
    """Return what the course of a training tells of its guarantee: nothing where there is none."""
    return {} if recipe.target_epsilon is None else {EPSILON: epsilon(recipe, steps)}
