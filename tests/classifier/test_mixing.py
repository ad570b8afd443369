"""Numbers of patches in the regime mixed."""

import pytest

from pathgen.classifier.mixing import mixed_counts


@pytest.mark.parametrize(
    ("originals", "shares", "wanted"),
    [
        (100, (0.29, 0.55), (29, 55)),
        (100, (0.5, 0.5), (50, 50)),
        (101, (0.5, 0.5), (50, 51)),
        (1_000_000, (0.29, 0.55), (290_000, 550_000)),
        (3, (1.0, 0.1), (3, 1)),
    ],
)
def test_mixed_counts_round_decimal_shares_exactly(
    originals: int, shares: tuple[float, float], wanted: tuple[int, int]
) -> None:
    assert mixed_counts(originals, *shares) == wanted
