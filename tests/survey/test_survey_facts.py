"""What is known of each slide: overlapping roles, remarks, cells, contact sheets, plots."""

import numpy as np
import pandas as pd
import pytest
from factories.cohort import NAMES, Made
from matplotlib.figure import Figure

from pathgen.core.labels import LABELS
from pathgen.core.seeding import numpy_generator
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import ROLES
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.survey.charts import plot_ranked, plot_stain
from pathgen.survey.contact_sheets import contact_sheet, spread_rows
from pathgen.survey.slide_rows import CELLS, area, drawn_table, kind_of, slide_cells, split_table
from pathgen.survey.slide_table import Cohort, read_cohort, remarks, sharing
from pathgen.survey.survey import inputs_under


@pytest.fixture(scope="module")
def cohort(surveyed: Made) -> Cohort:
    inputs = inputs_under(surveyed.data)
    return read_cohort(inputs.cohort, inputs.indexed, inputs.samples, inputs.extracted)


def test_patches_that_overlap_another_role_are_counted_as_a_loop_does() -> None:
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


def test_neighbours_and_patches_of_one_role_share_nothing() -> None:
    grid = pd.DataFrame({"x_l0": [0, 50, 0, 50], "y_l0": [0, 0, 50, 50], "size_l0": 50})
    assert sharing(grid.assign(role=["train", "test", "valid", "nonmember"])) == 0
    assert sharing(grid.assign(x_l0=0, y_l0=0, role="train")) == 0
    assert sharing(grid.assign(x_l0=None, y_l0=None, role=["train", "test"] * 2)) == 0


def test_remarks_say_what_is_odd_and_nothing_of_the_rest(cohort: Cohort) -> None:
    facts = cohort.facts
    assert remarks(facts, [])[NAMES[0]] == []
    odd = facts.assign(tumor_candidates=0, sharing=2, annotations_dropped=1, incomplete=1)
    said = " ".join(remarks(odd[odd["slide"] == NAMES[0]], [])[NAMES[0]])
    assert "A tumour slide, but no candidate touches a lesion." in said
    assert "2 of its 16 patches overlap a patch of another role" in said
    assert "1 of its 16 patches lies wholly or partly on tiles that the file does not hold" in said
    assert "1 annotation without an area left out." in said


def test_cells_hold_what_is_known_of_a_slide(cohort: Cohort) -> None:
    lines = {row["slide"]: row for row in cohort.facts.to_dict("records")}
    cells = slide_cells(lines[NAMES[0]])
    assert list(cells) == list(CELLS)
    assert cells["scan"] == ["3,000 × 2,000 px", "0.25 µm/px", "3 levels", "made up"]
    assert cells["tissue"] == ["50.0% of the slide", "0.2 mm²", "lesions 0.05 mm²"]
    assert cells["drawn patches"] == [
        "training: 4 normal + 4 tumour",
        "non-member: 2 normal + 2 tumour",
        "reference: 2 normal + 2 tumour",
    ]
    assert kind_of(lines[NAMES[0]]) == "tumour, train"
    assert slide_cells(lines[NAMES[6]])["reading"] == [
        "openslide",
        "its tiles are JPEG 2000",
        "3 patches incomplete in the file",
    ]
    assert slide_cells(lines[NAMES[7]])["drawn patches"] == ["none"]
    assert kind_of(lines[NAMES[7]]) == "normal, not in any split"


def test_tables_add_up(cohort: Cohort, surveyed: Made) -> None:
    table = split_table(cohort.facts)
    assert table.lines[-1][:3] == ["all", "", "8"]
    assert sum(int(line[2]) for line in table.lines[:-1]) == 8
    assert sum(int(line[3]) for line in table.lines[:-1]) == int(table.lines[-1][3])
    samples = read_table(surveyed.data / "samples.parquet")
    counted = [[int(line[2]), int(line[3])] for line in drawn_table(samples).lines]
    assert counted == [
        [int(((samples["role"] == role) & (samples["label"] == label)).sum()) for label in LABELS]
        for role in ROLES
    ]


@pytest.mark.parametrize(("mm2", "words"), [(0.03352, "0.0335"), (12.345, "12.3"), (1234.5, "1,234")])
def test_areas_have_three_digits(mm2: float, words: str) -> None:
    assert area(mm2) == words


def test_rows_are_spread_over_the_slides_as_evenly_as_can_be() -> None:
    slides = pd.Series(["a"] * 30 + ["b"] * 2 + ["c"] * 10)
    drawn = spread_rows(slides, 12, numpy_generator(1, "test"))
    assert (np.diff(drawn) > 0).all()
    assert slides.iloc[drawn].value_counts().to_dict() == {"a": 5, "c": 5, "b": 2}
    other = spread_rows(slides, 12, numpy_generator(2, "test"))
    assert drawn.tolist() != other.tolist()
    assert spread_rows(slides, 99, numpy_generator(1, "test")).tolist() == list(range(42))


def test_contact_sheet_shows_only_its_class(surveyed: Made) -> None:
    sets: dict[str, PatchSet] = {role: open_patch_set(surveyed.data / "patches" / role) for role in ROLES}
    sheet = contact_sheet(sets, "tumor", 4, 4, 0)
    # Patches of 8 px are enlarged 8 times; the roles train, nonmember and so on stand below one another.
    tumour_roles = [role for role in ROLES if (sets[role].index["label"] == "tumor").any()]
    assert sheet.shape[0] == len(tumour_roles) * (30 + 64)
    block = sheet[30 : 30 + 64, :64]
    np.testing.assert_array_equal(block, block[::8, ::8].repeat(8, 0).repeat(8, 1))
    dark = sheet[30 : 30 + 64, : 4 * 64]
    assert dark.mean() < 120


def texts(figure: Figure | None) -> list[str]:
    assert figure is not None
    return [text.get_text() for text in figure.axes[0].texts]


def test_plots_name_the_outliers_and_are_left_out_without_numbers(cohort: Cohort) -> None:
    facts = cohort.facts
    assert texts(plot_ranked(facts, "tissue_fraction", "tissue", {NAMES[2]})) == [NAMES[2]]
    assert texts(plot_stain(facts, {NAMES[5]})) == [NAMES[5]]
    assert plot_ranked(facts.assign(tissue_fraction=np.nan), "tissue_fraction", "tissue", set()) is None
    assert plot_stain(facts.assign(mean_r=np.nan), set()) is None
