"""Power law of a learning curve, error = a * n ** -b + c, with intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.optimize import curve_fit

from pathgen.core.seeding import numpy_generator

# Sizes whose mean error is above this share of the error of guessing have learned nothing yet.
_LEARNED = 0.9
# Three numbers are fitted; a fourth size is the first that could disagree.
_FEWEST_SIZES = 4
_STEEPEST = 4.0
_FLATTEST = 0.01
_SMALLEST_FALL = 0.002
_MOST_FAILED = 0.2
_STARTS = (0.25, 0.5, 1.0, 2.0)
_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class PowerLaw:
    """Fitted curve with its bootstrap curves.

    Attributes:
        sizes: Fitted sizes, patches per class, ascending.
        left_out: Sizes with an error too close to guessing.
        values: Fall, b, c: the error is ``fall * (n / first) ** -b + c``.
        drawn: The same for each bootstrap curve, float64 (B, 3).
    """

    sizes: tuple[float, ...]
    left_out: tuple[float, ...]
    values: NDArray[np.float64]
    drawn: NDArray[np.float64]

    @property
    def first(self) -> float:
        """Smallest fitted size."""
        return self.sizes[0]

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters a, b and c."""
        fall, power, floor = (float(value) for value in self.values)
        return {"a": fall * self.first**power, "b": power, "c": floor}

    def intervals(self, confidence: float) -> dict[str, tuple[float, float]]:
        """Return the lower and upper ends of the intervals of a, b and c."""
        scale = self.drawn[:, 0] * self.first ** self.drawn[:, 1]
        columns = {"a": scale, "b": self.drawn[:, 1], "c": self.drawn[:, 2]}
        return {name: between(column, confidence) for name, column in columns.items()}

    def error(self, size: ArrayLike) -> NDArray[np.float64]:
        """Return the error at sizes, in their shape."""
        return _law(np.asarray(size, dtype=np.float64) / self.first, *self.values)

    def errors_drawn(self, size: ArrayLike) -> NDArray[np.float64]:
        """Return the errors of the bootstrap curves, shape (B, S), at sizes of shape (S,)."""
        ratio = np.atleast_1d(np.asarray(size, dtype=np.float64)) / self.first
        return _law(ratio[None, :], *(column[:, None] for column in self.drawn.T))

    def size_for(self, error: float) -> float:
        """Return the size at which the curve reaches an error; infinite if it never does."""
        return float(self._sizes_for(self.values[None], np.array([error]))[0])

    def sizes_drawn_for(self, errors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sizes at which the first N bootstrap curves reach errors of shape (N,), one each."""
        return self._sizes_for(self.drawn[: len(errors)], errors)

    def _sizes_for(self, values: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
        fall, power, floor = values.T
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            sizes = self.first * ((errors - floor) / fall) ** (-1.0 / power)
        return np.where(errors > floor, sizes, np.inf)


def fit_power_law(
    errors_by_size: Mapping[float, NDArray[np.float64]],
    *,
    guessing: float,
    bootstrap: int,
    seed: int,
    curve: Sequence[str],
) -> PowerLaw | str:
    """Fit a power law with a floor, with a parametric bootstrap for its intervals.

    The mean errors over the seeds, weighted by the number of seeds, are fitted on the variance-stabilising
    scale arcsin(sqrt(error)). A bootstrap curve is fitted to the fitted curve plus Student's t times the
    standard error at each size. The standard error pools seeds and misfit; it is that of the misfit alone
    where the misfit is significantly larger (F test), because sizes then differ by more than their seeds.

    Args:
        errors_by_size: Errors of the seeds, each in [0, 1], by patches per class.
        guessing: Error of always predicting the more frequent class. Sizes with a mean above 90 % of it are
            left out: a power law begins where something is learned.
        bootstrap: Number of bootstrap curves.
        seed: Seed of the bootstrap.
        curve: Name of the curve, e.g. its source and classifier. The bootstraps of different curves are
            independent, so that two of them can be paired row by row.

    Returns:
        The power law, or why there is none.

    Source: Hestness et al. 2017, equation 1 (power law with a constant); intervals by parametric bootstrap.
    """
    means = {size: float(np.mean(errors)) for size, errors in sorted(errors_by_size.items())}
    used = [float(size) for size, mean in means.items() if mean < _LEARNED * guessing]
    left_out = tuple(float(size) for size in means if size not in used)
    if len(used) < _FEWEST_SIZES:
        return (
            f"{len(used)} of {len(means)} sizes have an error clearly below guessing "
            f"({guessing:.2f}); a power law needs {_FEWEST_SIZES}"
        )
    ratios = np.array(used) / used[0]
    groups = [_stable(errors_by_size[size]) for size in used]
    counts = np.array([len(group) for group in groups], dtype=np.float64)
    heights = np.array([group.mean() for group in groups])
    first = _best_fit(ratios, heights, counts, _first_guesses(np.sin(heights) ** 2))
    if first is None:
        return "the fit does not converge"
    fall, power, _ = first
    if power <= _FLATTEST or fall <= _SMALLEST_FALL:
        return "the error does not fall with the size"
    scatter, freedom = _scatter(groups, counts, heights - _stable(_law(ratios, *first)))
    rng = numpy_generator(seed, "power law", *curve)
    noise = rng.standard_t(freedom, size=(bootstrap, len(used))) * scatter / np.sqrt(counts)
    fitted = _stable(_law(ratios, *first))
    fits = [_best_fit(ratios, fitted + shift, counts, [first]) for shift in noise]
    drawn = [fit for fit in fits if fit is not None]
    if len(drawn) < (1 - _MOST_FAILED) * bootstrap:
        return "the bootstrap curves cannot be fitted, because the errors scatter too much"
    return PowerLaw(tuple(used), left_out, first, np.array(drawn))


def between(values: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the percentiles that enclose the central share of values, some of which may be infinite.

    Args:
        values: float64 (N,).
        confidence: Central share, in (0, 1).
    """
    ordered = np.sort(values)
    outside = (1 - confidence) / 2 * (len(ordered) - 1)
    # No interpolation: there is nothing between a number and infinity.
    return float(ordered[math.floor(outside)]), float(ordered[len(ordered) - 1 - math.floor(outside)])


def _law(ratio: ArrayLike, fall: ArrayLike, power: ArrayLike, floor: ArrayLike) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.asarray(fall * np.power(ratio, -np.asarray(power)) + floor)
    return result


def _stable(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.arcsin(np.sqrt(np.clip(errors, 0.0, 1.0)))
    return result


def _first_guesses(errors: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    lowest = float(errors.min())
    fall = max(float(errors[0]) - lowest, 0.01)
    return [
        np.array([fall, power, floor]) for power in _STARTS for floor in (0.5 * lowest, 0.99 * lowest + 1e-6)
    ]


def _best_fit(
    ratios: NDArray[np.float64],
    heights: NDArray[np.float64],
    counts: NDArray[np.float64],
    guesses: list[NDArray[np.float64]],
) -> NDArray[np.float64] | None:
    def model(ratio: NDArray[np.float64], *values: float) -> NDArray[np.float64]:
        return _stable(_law(ratio, *values))

    best, least = None, math.inf
    for guess in guesses:
        try:
            values, _ = curve_fit(
                model,
                ratios,
                heights,
                p0=np.clip(guess, 1e-6, [0.999, _STEEPEST, 0.999]),
                sigma=1 / np.sqrt(counts),
                bounds=([0.0, 0.0, 0.0], [1.0, _STEEPEST, 1.0]),
                max_nfev=200,
            )
        except RuntimeError:  # No convergence from this start.
            continue
        loss = float(np.sum(counts * (heights - model(ratios, *values)) ** 2))
        if loss < least:
            best, least = values, loss
    return best


def _scatter(
    groups: list[NDArray[np.float64]], counts: NDArray[np.float64], misfit: NDArray[np.float64]
) -> tuple[float, int]:
    """Return the standard deviation of one run about the curve, and its degrees of freedom."""
    within = float(sum(np.sum((group - group.mean()) ** 2) for group in groups))
    within_freedom = int(counts.sum()) - len(groups)
    between_sizes = float(np.sum(counts * misfit**2))
    freedom = len(groups) - 3
    if within_freedom > 0:
        ratio = (between_sizes / freedom) / max(within / within_freedom, 1e-12)
        if stats.f.sf(ratio, freedom, within_freedom) > _SIGNIFICANT:
            return math.sqrt((within + between_sizes) / (within_freedom + freedom)), within_freedom + freedom
    return math.sqrt(between_sizes / freedom), freedom
