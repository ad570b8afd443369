"""Which slides are unlike the others: a robust rule, so that the outliers do not hide themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.optical_density import optical_density

#: With fewer values nothing is called an outlier: the median of three slides says nothing of the fourth.
LEAST_VALUES = 5
# Make the two spreads equal to the standard deviation of a normal distribution.
_MEDIAN_TO_SIGMA = 0.6745
_MEAN_TO_SIGMA = 1.253314


@dataclass(frozen=True)
class Trait:
    """What slides are compared in.

    Attributes:
        name: Its name in tables.
        words: Its name for a reader.
        values: Slides' facts -> one number per slide, NaN where unknown, on the scale that is judged.
        shown: A number of that scale -> text for a reader.
        less: What a slide with less of it is.
        more: What a slide with more of it is.
        least: Differences from the median below this are no outlier however alike the others are.
        least_words: The same for a reader.
    """

    name: str
    words: str
    values: Callable[[pd.DataFrame], NDArray[np.float64]]
    shown: Callable[[float], str]
    less: str
    more: str
    least: float
    least_words: str


@dataclass(frozen=True)
class Outlier:
    """A slide that is unlike the others.

    Attributes:
        slide: Its id.
        trait: In what, a name of `TRAITS`.
        score: Its modified z-score; negative where it has less than the others.
        words: The same in a sentence.
    """

    slide: str
    trait: str
    score: float
    words: str


def modified_z_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Say how far each value is from the median, in robust standard deviations.

    Args:
        values: float64 of shape (n,); NaN where unknown.

    Returns:
        float64 of shape (n,): ``0.6745 (x - median) / MAD`` with MAD the median absolute deviation. Where
        more than half of the values are equal, MAD is 0 and the mean absolute deviation takes its place,
        ``(x - median) / (1.253314 mean|x - median|)``. NaN where unknown; zeros where all are equal.

    Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (ASQC, 1993), section 3; the fallback is
    that of IBM SPSS' modified z-score.
    """
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return values.copy()
    from_median = values - np.median(known)
    away = np.abs(known - np.median(known))
    if (spread := float(np.median(away))) > 0:
        return np.asarray(_MEDIAN_TO_SIGMA * from_median / spread)
    if (spread := float(np.mean(away))) > 0:
        return np.asarray(from_median / (_MEAN_TO_SIGMA * spread))
    return from_median


def _colour_density(facts: pd.DataFrame) -> NDArray[np.float64]:
    """Return the decadic optical density of the mean tissue colour, (n, 3); NaN where unknown."""
    colour = facts[["mean_r", "mean_g", "mean_b"]].to_numpy(dtype=np.float64)
    return np.asarray(optical_density(colour) / np.log(10.0))


def darkness(facts: pd.DataFrame) -> NDArray[np.float64]:
    """Return the mean optical density over red, green and blue, float64 of shape (n,)."""
    return np.asarray(_colour_density(facts).mean(axis=1))


def share_of_light(facts: pd.DataFrame, channel: int) -> NDArray[np.float64]:
    """Return one channel's share of the optical density, float64 of shape (n,); NaN for clear glass."""
    density = _colour_density(facts)
    total = density.sum(axis=1)
    share = np.divide(density[:, channel], total, out=np.full(len(total), np.nan), where=total > 0)
    return np.asarray(share)


def _log_mpp(facts: pd.DataFrame) -> NDArray[np.float64]:
    mean = facts[["mpp_x", "mpp_y"]].to_numpy(dtype=np.float64).mean(axis=1)
    return np.asarray(np.log(mean, out=np.full(len(mean), np.nan), where=mean > 0))


def _tissue(facts: pd.DataFrame) -> NDArray[np.float64]:
    return facts["tissue_fraction"].to_numpy(dtype=np.float64)


#: In H&E, haematoxylin takes red and green light from the beam, eosin green light only.
TRAITS = (
    Trait(
        "tissue_fraction",
        "tissue fraction",
        _tissue,
        lambda value: f"{value:.1%}",
        "less tissue",
        "more tissue",
        0.05,
        "5 percentage points",
    ),
    Trait(
        "mpp",
        "resolution",
        _log_mpp,
        lambda value: f"{np.exp(value):.4g} µm/px",
        "finer",
        "coarser",
        float(np.log(1.05)),
        "5%",
    ),
    Trait(
        "darkness",
        "stain, optical density",
        darkness,
        lambda value: f"{value:.2f}",
        "paler",
        "darker",
        0.05,
        "0.05",
    ),
    Trait(
        "red_share",
        "stain, share of red light absorbed",
        lambda facts: share_of_light(facts, 0),
        lambda value: f"{value:.2f}",
        "pinker, less haematoxylin",
        "bluer, less eosin",
        0.03,
        "0.03",
    ),
    Trait(
        "blue_share",
        "stain, share of blue light absorbed",
        lambda facts: share_of_light(facts, 2),
        lambda value: f"{value:.2f}",
        "more violet",
        "more yellow or brown",
        0.03,
        "0.03",
    ),
)


def find_outliers(facts: pd.DataFrame, threshold: float) -> list[Outlier]:
    """Name the slides that are unlike the others in some trait.

    Args:
        facts: One row per slide; has ``slide`` and the columns that the traits are made of.
        threshold: Modified z-score above which a slide is an outlier.

    Returns:
        The outliers, the farthest first. A trait that fewer than `LEAST_VALUES` slides have is not judged.
    """
    found = [outlier for trait in TRAITS for outlier in _outliers_in(trait, facts, threshold)]
    return sorted(found, key=lambda outlier: (-abs(outlier.score), outlier.slide, outlier.trait))


def _outliers_in(trait: Trait, facts: pd.DataFrame, threshold: float) -> list[Outlier]:
    values = trait.values(facts)
    known = values[~np.isnan(values)]
    if len(known) < LEAST_VALUES:
        return []
    median = float(np.median(known))
    found = []
    for slide, value, score in zip(facts["slide"], values, modified_z_scores(values), strict=True):
        if abs(score) > threshold and abs(value - median) >= trait.least:
            which = trait.more if score > 0 else trait.less
            said = (
                f"{trait.words} {trait.shown(value)}: {which} than most "
                f"(median {trait.shown(median)}, score {score:+.1f})"
            )
            found.append(Outlier(str(slide), trait.name, float(score), said.replace("-", "−")))
    return found


def judged(facts: pd.DataFrame) -> Sequence[str]:
    """Return the words of the traits that enough slides have to be judged."""
    return [trait.words for trait in TRAITS if np.sum(~np.isnan(trait.values(facts))) >= LEAST_VALUES]
