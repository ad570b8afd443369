"""Outliers among slides."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pathgen.survey.outliers import find_outliers, judged, modified_z_scores, trait_values


def facts(count: int = 9, **columns: object) -> pd.DataFrame:
    plain: dict[str, object] = {
        "slide": [f"s{number}" for number in range(count)],
        "tissue_fraction": np.linspace(0.45, 0.55, count),
        "mpp_x": [0.25] * count,
        "mpp_y": [0.25] * count,
        "mean_r": np.linspace(190, 194, count),
        "mean_g": [140.0] * count,
        "mean_b": [180.0] * count,
    }
    return pd.DataFrame(plain | columns)


def test_modified_z_scores_equal_scipy() -> None:
    values = np.random.default_rng(0).normal(3, 2, 41)
    spread = stats.median_abs_deviation(values)
    expected = stats.norm.ppf(0.75) * (values - np.median(values)) / spread
    np.testing.assert_allclose(modified_z_scores(values), expected, rtol=1e-4)


def test_modified_z_scores_ignore_unknown_values() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0, 8.0])
    scores = modified_z_scores(values)
    assert np.isnan(scores[2])
    np.testing.assert_array_equal(np.delete(scores, 2), modified_z_scores(np.delete(values, 2)))


def test_modified_z_scores_of_equal_values_use_mean_deviation() -> None:
    scores = modified_z_scores(np.array([1.0] * 9 + [2.0]))
    assert (scores[:9] == 0).all()
    assert scores[9] == pytest.approx(1 / (np.sqrt(np.pi / 2) * 0.1), rel=1e-5)
    assert (modified_z_scores(np.full(7, 3.0)) == 0).all()


@pytest.mark.parametrize(
    ("column", "value", "trait", "words"),
    [
        ("tissue_fraction", 0.02, "tissue_fraction", "2.0%: less tissue"),
        ("tissue_fraction", 0.98, "tissue_fraction", "98.0%: more tissue"),
        ("mean_b", 60.0, "blue_share", "more yellow or brown"),
        ("mean_r", 90.0, "red_share", "bluer, less eosin"),
    ],
)
def test_outlier_is_found_in_each_trait(column: str, value: float, trait: str, words: str) -> None:
    frame = facts()
    frame[column] = frame[column].astype(float)
    frame.loc[3, column] = value
    found = {outlier.trait: outlier for outlier in find_outliers(frame, 3.5)}
    assert found[trait].slide == "s3" and words in found[trait].words
    assert {outlier.slide for outlier in found.values()} == {"s3"}
    assert "median" in found[trait].words and abs(found[trait].score) > 3.5


def test_outlier_in_resolution_is_not_a_rounding_error() -> None:
    frame = facts(mpp_x=[0.25] * 8 + [0.5], mpp_y=[0.25] * 8 + [0.5])
    assert [(outlier.slide, outlier.trait) for outlier in find_outliers(frame, 3.5)] == [("s8", "log_mpp")]
    frame = facts(mpp_x=[0.25] * 8 + [0.2501], mpp_y=[0.25] * 8 + [0.2501])
    assert find_outliers(frame, 3.5) == []


def test_outliers_need_enough_slides_and_the_threshold() -> None:
    frame = facts(4, tissue_fraction=[0.5, 0.51, 0.52, 0.01])
    assert judged(frame) == [] and find_outliers(frame, 3.5) == []
    frame = facts(tissue_fraction=[*np.linspace(0.4, 0.5, 8), 0.7])
    score = find_outliers(frame, 0.5)[0].score
    assert find_outliers(frame, score + 0.01) == []


def test_trait_values_of_glass_have_no_shares_and_of_grey_equal_ones() -> None:
    colour = [255.0, 25.0]
    values = trait_values(facts(2, mean_r=colour, mean_g=colour, mean_b=colour))
    np.testing.assert_allclose(values["darkness"], [0, np.log10(256 / 26)], atol=1e-12)
    np.testing.assert_allclose(values[["red_share", "blue_share"]], [[np.nan] * 2, [1 / 3] * 2])
