"""Detect outliers among slides by a robust score, which outliers cannot mask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.optical_density import optical_density

#: Smallest number of slides with a trait to judge it.
LEAST_VALUES = 5
# Factors that turn both deviations into the standard deviation of a normal distribution.
_MEDIAN_TO_SIGMA = 0.6745
_MEAN_TO_SIGMA = 1.253314


@dataclass(frozen=True)
class Trait:
    """Trait in which slides are compared.

    Attributes:
        name: Name in tables.
        words: Name for a reader.
        values: Function from the table of slides to one number per slide, NaN where unknown.
        shown: Function from such a number to text.
        less: Description of a slide with a low value.
        more: Description of a slide with a high value.
        least: Smallest difference from the median of an outlier.
        least_words: The same as text.
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
    """Outlier among the slides.

    Attributes:
        slide: Name of the slide.
        trait: Name of the trait, of `TRAITS`.
        score: Modified z-score; negative below the median.
        words: Description for a reader.
    """

    slide: str
    trait: str
    score: float
    words: str


def modified_z_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the distance of each value from the median, in robust standard deviations.

    Args:
        values: float64 of shape (n,); NaN where unknown.

    Returns:
        Scores, float64 of shape (n,): ``0.6745 (x - median) / MAD`` with MAD the median absolute deviation.
        Where more than half of the values are equal, MAD is 0 and the mean absolute deviation is used,
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


#: Haematoxylin absorbs red and green light, eosin only green light.
TRAITS = (
    Trait(
        "tissue_fraction",
        "tissue fraction",
        lambda facts: facts["tissue_fraction"].to_numpy(dtype=np.float64),
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
    """Find the outliers in any trait.

    Args:
        facts: Table of slides with ``slide`` and the columns of the traits.
        threshold: Modified z-score above which a slide is an outlier.

    Returns:
        Outliers, the farthest first. A trait known for fewer than `LEAST_VALUES` slides is not judged.
    """
    found = []
    for trait in TRAITS:
        values = trait.values(facts)
        median = float(np.nanmedian(values)) if trait.words in judged(facts) else np.nan
        for slide, value, score in zip(facts["slide"], values, modified_z_scores(values), strict=True):
            if abs(score) > threshold and abs(value - median) >= trait.least:
                which = trait.more if score > 0 else trait.less
                words = (
                    f"{trait.words} {trait.shown(value)}: {which} than most "
                    f"(median {trait.shown(median)}, score {score:+.1f})"
                )
                found.append(Outlier(str(slide), trait.name, float(score), words.replace("-", "−")))
    return sorted(found, key=lambda outlier: (-abs(outlier.score), outlier.slide, outlier.trait))


def judged(facts: pd.DataFrame) -> Sequence[str]:
    """Return the names, for a reader, of the traits known for enough slides."""
    return [trait.words for trait in TRAITS if np.sum(~np.isnan(trait.values(facts))) >= LEAST_VALUES]
