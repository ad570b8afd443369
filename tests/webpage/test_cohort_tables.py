"""Tables about the cohort: what was drawn, and what was left out by which stage."""

import pandas as pd

from pathgen.webpage.cohort_tables import left_out_table, readable, role_table


def test_patches_are_counted_by_role() -> None:
    samples = pd.DataFrame(
        {"role": ["train"] * 3, "label": ["normal", "normal", "tumor"], "slide": ["a", "b", "b"]}
    )
    assert role_table(samples).lines == [["training (members)", "2", "1", "2"]]


def test_slides_left_out_by_any_stage_are_listed() -> None:
    cohort = pd.DataFrame(
        {"slide": ["c", "a", "b"], "path": ["c.tif", "a.tif", "b.tif"], "skipped": ["truncated", None, None]}
    )
    indexed = pd.DataFrame({"slide": ["a", "b"], "reason": [None, "no tissue"]})
    extracted = pd.DataFrame({"slide": ["a"], "left_out": ["damaged"]})
    table = left_out_table(cohort, indexed, extracted)
    assert table is not None
    assert table.lines == [
        ["a", "a.tif", "extract", "damaged"],
        ["b", "b.tif", "index", "no tissue"],
        ["c", "c.tif", "cohort", "truncated"],
    ]
    alone = left_out_table(cohort, None, None)
    assert alone is not None and alone.lines == [["c", "c.tif", "cohort", "truncated"]]
    assert left_out_table(cohort.iloc[1:], indexed.iloc[:1], None) is None


def test_patches_of_unreadable_slides_do_not_count() -> None:
    samples = pd.DataFrame({"slide": ["a", "b", "b"], "item": [1, 1, 2]})
    extracted = pd.DataFrame({"slide": ["a", "b"], "left_out": [None, "damaged"]})
    assert readable(samples, extracted)["slide"].tolist() == ["a"]
    assert readable(samples, None) is samples
