"""Calibration of P(tumor), and the threshold of the operating point."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def reliability_curve(labels: NDArray[np.int64], scores: NDArray[np.float64], bins: int) -> pd.DataFrame:
    """Compare the mean score with the share of tumor patches in equal bins of the scores from 0 to 1.

    Args:
        labels: Classes, int64 (N,), N >= 1; 0 normal, 1 tumor.
        scores: P(tumor), float64 (N,).
        bins: Number of bins.

    Returns:
        One row per bin with a patch: low, high (its ends; the last includes 1), n, mean_score, tumor_share.
    """
    edges = np.linspace(0, 1, bins + 1)
    place = np.minimum(np.searchsorted(edges, scores, side="right") - 1, bins - 1)
    counts = np.bincount(place, minlength=bins)
    curve = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": counts})
    with np.errstate(invalid="ignore"):
        curve["mean_score"] = np.bincount(place, weights=scores, minlength=bins) / counts
        curve["tumor_share"] = np.bincount(place, weights=labels, minlength=bins) / counts
    return curve[counts > 0].reset_index(drop=True)


def expected_calibration_error(curve: pd.DataFrame) -> float:
    """Return the mean distance between score and share of tumor patches, over patches.

    Args:
        curve: Table of `reliability_curve`.

    Returns:
        Error in [0, 1]; 0 is calibrated. It is above 0 by chance in a finite set, and depends on the bins.

    Source: Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
    """
    gaps = (curve["mean_score"] - curve["tumor_share"]).abs()
    return float((gaps * curve["n"]).sum() / curve["n"].sum())


def threshold_at_specificity(
    labels: NDArray[np.int64], scores: NDArray[np.float64], specificity: float
) -> float:
    """Return the lowest threshold with at least this specificity.

    Args:
        labels: Classes of validation patches, int64 (N,); 0 normal, 1 tumor; at least one normal patch.
        scores: P(tumor), float64 (N,).
        specificity: Minimum share of normal patches with a score below the threshold, in (0, 1).

    Returns:
        Threshold just above the score of a normal patch.
    """
    normal = np.sort(scores[labels == 0])[::-1]
    # 10 * (1 - 0.9) is slightly below 1.
    alarms = math.floor((1 - specificity) * len(normal) + 1e-9)
    return float(np.nextafter(normal[alarms], np.inf))
