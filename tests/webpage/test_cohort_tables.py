"""Tables about the cohort: sampled patches, and slides excluded by each stage."""

import pandas as pd

from pathgen.webpage.cohort_tables import left_out_table, readable, sample_table


def test_sample_table_counts_patches() -> None:
    samples = pd.DataFrame({"label": ["normal", "normal", "tumor"], "slide": ["a", "b", "b"]})
    table = sample_table(samples.assign(role="train", split="train"), "slides")
    assert table.lines == [["training (members)", "train", "2", "1", "2", "1 to 2"]]


def test_left_out_table_lists_slides_of_every_stage() -> None:
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


def test_readable_drops_patches_of_unreadable_slides() -> None:
    samples = pd.DataFrame({"slide": ["a", "b", "b"], "item": [1, 1, 2]})
    extracted = pd.DataFrame({"slide": ["a", "b"], "left_out": [None, "damaged"]})
    assert readable(samples, extracted)["slide"].tolist() == ["a"]
    assert readable(samples, None) is samples
