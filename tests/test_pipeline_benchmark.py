"""The arithmetic of what the pipeline costs beside its stages."""

import pytest

from benchmarks.pipeline import Span, last_pipeline, overhead_share


def test_share_is_what_no_run_covers() -> None:
    assert overhead_share([Span(10, 40), Span(45, 90)], 100) == pytest.approx(0.25)


def test_series_ends_at_a_pause() -> None:
    first = [Span(0, 5), Span(9, 20)]
    second = [Span(1000, 1005), Span(1010, 1020), Span(1049, 1060)]
    assert last_pipeline([*second, *first]) == second
    assert last_pipeline([*first, Span(500, 501), Span(510, 511)]) == [Span(500, 501), Span(510, 511)]
