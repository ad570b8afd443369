"""Detect outliers among slides by a robust score, which outliers cannot mask."""

from collections.abc import Callable
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
        name: Its column in `trait_values`.
        words: Name for a reader.
        shown: Function from a value to text.
        less: Description of a slide with a low value.
        more: Description of a slide with a high value.
        least: Smallest difference from the median of an outlier.
        least_words: The same as text.
    """

    name: str
    words: str
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


#: Haematoxylin absorbs red and green light, eosin only green light.
TRAITS = (
    Trait(
        "tissue_fraction",
        "tissue fraction",
        "{:.1%}".format,
        "less tissue",
        "more tissue",
        0.05,
        "5 percentage points",
    ),
    Trait(
        "log_mpp",
        "resolution",
        lambda value: f"{np.exp(value):.4g} µm/px",
        "finer",
        "coarser",
        float(np.log(1.05)),
        "5%",
    ),
    Trait("darkness", "stain, optical density", "{:.2f}".format, "paler", "darker", 0.05, "0.05"),
    Trait(
        "red_share",
        "stain, share of red light absorbed",
        "{:.2f}".format,
        "pinker, less haematoxylin",
        "bluer, less eosin",
        0.03,
        "0.03",
    ),
    Trait(
        "blue_share",
        "stain, share of blue light absorbed",
        "{:.2f}".format,
        "more violet",
        "more yellow or brown",
        0.03,
        "0.03",
    ),
)


def trait_values(facts: pd.DataFrame) -> pd.DataFrame:
    """Compute all traits of all slides.

    Args:
        facts: Table of slides with ``tissue_fraction``, ``mpp_x``, ``mpp_y``, ``mean_r``, ``mean_g`` and
            ``mean_b``.

    Returns:
        One float64 column per trait, NaN where unknown. ``darkness`` is the mean decadic optical density of
        the tissue's mean colour over red, green and blue; ``red_share`` and ``blue_share`` are the shares of
        a channel in their sum, unknown for clear glass.
    """
    mpp = facts[["mpp_x", "mpp_y"]].to_numpy(dtype=np.float64).mean(axis=1)
    colour = facts[["mean_r", "mean_g", "mean_b"]].to_numpy(dtype=np.float64)
    density = optical_density(colour) / np.log(10.0)
    total = density.sum(axis=1, keepdims=True)
    share = density / np.where(total > 0, total, np.nan)
    return pd.DataFrame(
        {
            "tissue_fraction": facts["tissue_fraction"].to_numpy(dtype=np.float64),
            "log_mpp": np.log(np.where(mpp > 0, mpp, np.nan)),
            "darkness": density.mean(axis=1),
            "red_share": share[:, 0],
            "blue_share": share[:, 2],
        }
    )


def modified_z_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the distance of each value from the median, in robust standard deviations.

    Args:
        values: float64 of shape (n,); NaN where unknown, at least one known.

    Returns:
        Scores, float64 of shape (n,): ``0.6745 (x - median) / MAD`` with MAD the median absolute deviation.
        Where more than half of the values are equal, MAD is 0 and the mean absolute deviation is used,
        ``(x - median) / (1.253314 mean|x - median|)``. NaN where unknown; zeros where all are equal.

    Source: Iglewicz and Hoaglin, How to Detect and Handle Outliers (ASQC, 1993), section 3; the fallback is
    that of IBM SPSS' modified z-score.
    """
    from_median = values - np.nanmedian(values)
    away = np.abs(from_median)
    if (spread := float(np.nanmedian(away))) > 0:
        return np.asarray(_MEDIAN_TO_SIGMA * from_median / spread)
    if (spread := float(np.nanmean(away))) > 0:
        return np.asarray(from_median / (_MEAN_TO_SIGMA * spread))
    return np.asarray(from_median)


def judged(facts: pd.DataFrame) -> list[Trait]:
    """Return the traits known for enough slides, see `trait_values`."""
    known = trait_values(facts).count()
    return [trait for trait in TRAITS if known[trait.name] >= LEAST_VALUES]


def find_outliers(facts: pd.DataFrame, threshold: float) -> list[Outlier]:
    """Find the outliers in any trait.

    Args:
        facts: Table of slides with ``slide`` and the columns that `trait_values` needs.
        threshold: Modified z-score above which a slide is an outlier.

    Returns:
        Outliers, the farthest first. A trait known for fewer than `LEAST_VALUES` slides is not judged.
    """
    found, traits = [], trait_values(facts)
    for trait in judged(facts):
        values = traits[trait.name].to_numpy()
        median = float(np.nanmedian(values))
        for slide, value, score in zip(facts["slide"], values, modified_z_scores(values), strict=True):
            if abs(score) > threshold and abs(value - median) >= trait.least:
                which = trait.more if score > 0 else trait.less
                words = (
                    f"{trait.words} {trait.shown(value)}: {which} than most "
                    f"(median {trait.shown(median)}, score {score:+.1f})"
                )
                found.append(Outlier(str(slide), trait.name, float(score), words.replace("-", "−")))
    return sorted(found, key=lambda outlier: (-abs(outlier.score), outlier.slide, outlier.trait))
