"""Facts of each slide: overlapping roles, remarks, counts, contact sheets, plots."""

import numpy as np
import pandas as pd
import pytest
from factories.cohort import NAMES, SETTINGS, Made
from matplotlib.figure import Figure

from pathgen.core.seeding import numpy_generator
from pathgen.patches.schemas import ROLES
from pathgen.patches.store import open_patch_set
from pathgen.survey.charts import plot_ranked, plot_sampled, plot_stain
from pathgen.survey.contact_sheets import contact_sheet, spread_rows
from pathgen.survey.slide_table import Cohort, read_cohort, sharing
from pathgen.survey.survey import area, slide_remarks


@pytest.fixture(scope="module")
def cohort(surveyed: Made) -> Cohort:
    return read_cohort(surveyed.data.parent)


def test_sharing_counts_what_a_loop_counts() -> None:
    random = np.random.default_rng(3)
    drawn = pd.DataFrame(
        {
            "x_l0": random.integers(0, 40, 120) * 25,
            "y_l0": random.integers(0, 40, 120) * 25,
            "size_l0": 50,
            "role": random.choice(ROLES, 120),
        }
    )
    lines = drawn.to_dict("records")
    overlapping = sum(
        any(
            one["role"] != other["role"]
            and abs(one["x_l0"] - other["x_l0"]) < 50
            and abs(one["y_l0"] - other["y_l0"]) < 50
            for other in lines
        )
        for one in lines
    )
    assert 0 < overlapping < 120 and sharing(drawn) == overlapping


def test_sharing_of_neighbours_and_of_one_role_is_0() -> None:
    grid = pd.DataFrame({"x_l0": [0, 50, 0, 50], "y_l0": [0, 0, 50, 50], "size_l0": 50})
    assert sharing(grid.assign(role=["train", "test", "valid", "nonmember"])) == 0
    assert sharing(grid.assign(x_l0=0, y_l0=0, role="train")) == 0
    assert sharing(grid.assign(x_l0=None, y_l0=None, role=["train", "test"] * 2)) == 0


def test_remarks_name_every_unusual_fact(cohort: Cohort) -> None:
    facts = cohort.facts
    assert slide_remarks(facts, [])[NAMES[0]] == []
    counts = {"sharing": 2, "annotations_dropped": 1, "incomplete": 1, "copies": 3, "two_labels": 2}
    unusual = facts.assign(tumor_candidates=0, **counts)
    said = slide_remarks(unusual, [])[NAMES[0]]
    assert len(said) == 5
    assert (
        said[-1] == "3 patches left out, since other patches have equal pixels; 2 of them with both labels."
    )
    assert len(slide_remarks(unusual.assign(drawn=0), [])[NAMES[0]]) == 6


@pytest.mark.parametrize(("mm2", "words"), [(0.03352, "0.0335"), (12.345, "12.3"), (1234.5, "1,234")])
def test_area_has_three_digits(mm2: float, words: str) -> None:
    assert area(mm2) == words


def test_spread_rows_are_even_over_the_slides() -> None:
    slides = pd.Series(["a"] * 30 + ["b"] * 2 + ["c"] * 10)
    drawn = spread_rows(slides, 12, numpy_generator(1, "test"))
    assert (np.diff(drawn) > 0).all()
    assert slides.iloc[drawn].value_counts().to_dict() == {"a": 5, "c": 5, "b": 2}
    other = spread_rows(slides, 12, numpy_generator(2, "test"))
    assert drawn.tolist() != other.tolist()
    assert spread_rows(slides, 99, numpy_generator(1, "test")).tolist() == list(range(42))


def test_contact_sheet_shows_only_its_class(surveyed: Made) -> None:
    patches = open_patch_set(surveyed.data / "patches" / "train")
    settings = SETTINGS.model_copy(update={"sheet_patches": 4, "sheet_columns": 4})
    sheet = contact_sheet(patches, "tumor", "train", settings)
    assert sheet is not None
    assert (sheet.shown, sheet.patches) == (4, int((patches.index["label"] == "tumor").sum()))
    # Patches of 8 px are enlarged 8 times.
    block = sheet.image[:64, :64]
    np.testing.assert_array_equal(block, block[::8, ::8].repeat(8, 0).repeat(8, 1))
    assert sheet.image[:64, : 4 * 64].mean() < 120
    normal = patches.of_label("normal")
    assert contact_sheet(normal, "tumor", "train", settings) is None


def texts(figure: Figure | None) -> list[str]:
    assert figure is not None
    return [text.get_text() for text in figure.axes[0].texts]


def names_on_axis(figure: Figure | None) -> list[str]:
    assert figure is not None
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_bars_count_the_sampled_patches_of_each_slide(cohort: Cohort) -> None:
    used = cohort.facts[cohort.facts["drawn"] > 0]
    figure = plot_sampled(cohort.facts)
    assert names_on_axis(figure) == [f"{one.slide}, {one.split}" for one in used.itertuples()]
    assert figure is not None
    lengths = [
        sum(bars.patches[place].get_width() for bars in figure.axes[0].containers)
        for place in range(len(used))
    ]
    assert lengths == used["drawn"].to_list()
    many = pd.concat([cohort.facts] * 12, ignore_index=True)
    totals = names_on_axis(plot_sampled(many))
    assert totals == [
        f"{12 * count} slides, {split}" for split, count in used["split"].value_counts(sort=False).items()
    ]
    assert plot_sampled(cohort.facts.assign(drawn=0)) is None


def test_plots_name_slides_and_need_numbers(cohort: Cohort) -> None:
    facts = cohort.facts
    assert sorted(names_on_axis(plot_ranked(facts, "tissue_fraction", "tissue", {NAMES[2]}))) == sorted(
        facts["slide"]
    )
    assert sorted(texts(plot_stain(facts, {NAMES[5]}))) == sorted(facts["slide"])
    many = pd.concat([facts] * 10, ignore_index=True)
    many["slide"] = [f"s{number}" for number in range(len(many))]
    ranked = plot_ranked(many, "tissue_fraction", "tissue", {"s2"})
    order = many.sort_values(["tissue_fraction", "slide"])["slide"].tolist()
    assert names_on_axis(ranked) == [] and {*texts(ranked)} == {order[0], "s2", order[-1]}
    many.loc[7, "mean_r"] = 1.0
    named = texts(plot_stain(many, {"s5"}))
    assert {"s5", "s7"} < {*named} and len(named) <= 24
    assert plot_ranked(facts.assign(tissue_fraction=np.nan), "tissue_fraction", "tissue", set()) is None
    assert plot_stain(facts.assign(mean_r=np.nan), set()) is None
