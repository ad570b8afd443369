"""Whether P(tumor) means what it says, and thresholds chosen beforehand."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def reliability_curve(labels: NDArray[np.int64], scores: NDArray[np.float64], bins: int) -> pd.DataFrame:
    """Hold what was said against what was there, by score.

    Args:
        labels: int64 of shape (N,), N >= 1; 0 normal, 1 tumor.
        scores: P(tumor), float64 of shape (N,).
        bins: Into how many equal parts the scores from 0 to 1 are cut.

    Returns:
        One row per part that holds a patch: low, high (its ends; the last includes 1), n, mean_score,
        tumor_share.
    """
    edges = np.linspace(0, 1, bins + 1)
    part = np.minimum(np.searchsorted(edges, scores, side="right") - 1, bins - 1)
    counts = np.bincount(part, minlength=bins)
    held = counts > 0
    with np.errstate(invalid="ignore"):
        said = np.bincount(part, weights=scores, minlength=bins) / counts
        there = np.bincount(part, weights=labels, minlength=bins) / counts
    return pd.DataFrame(
        {
            "low": edges[:-1][held],
            "high": edges[1:][held],
            "n": counts[held],
            "mean_score": said[held],
            "tumor_share": there[held],
        }
    )


def expected_calibration_error(curve: pd.DataFrame) -> float:
    """Return the mean distance of said from there, over patches.

    Args:
        curve: See `reliability_curve`.

    Returns:
        In [0, 1]; 0 is calibrated. Above 0 by chance in a finite set, and it depends on the number of parts.

    Source: Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
    """
    gaps = (curve["mean_score"] - curve["tumor_share"]).abs()
    return float((gaps * curve["n"]).sum() / curve["n"].sum())


def threshold_at_specificity(
    labels: NDArray[np.int64], scores: NDArray[np.float64], specificity: float
) -> float:
    """Choose the lowest threshold that calls so few normal patches tumor.

    Args:
        labels: int64 of shape (N,); 0 normal, 1 tumor; at least one normal patch.
        scores: P(tumor), float64 of shape (N,). Validation patches: a threshold chosen on the test patches
            makes them look too good.
        specificity: Least share of normal patches that score below the threshold, in (0, 1).

    Returns:
        The threshold; just above a normal patch's score.
    """
    normal = np.sort(scores[labels == 0])[::-1]
    # 0.1 * 10 is a little below 1 when it comes from 1 - 0.9.
    alarms = math.floor((1 - specificity) * len(normal) + 1e-9)
    return float(np.nextafter(normal[alarms], np.inf))
