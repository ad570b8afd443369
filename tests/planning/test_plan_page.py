"""A plan as a person and as a program reads it, with rates that are made up."""

import json

import pytest
from planned_study import SIZES, default_study, study_with

from pathgen.core.errors import PathgenError
from pathgen.planning.disk import copies_with
from pathgen.planning.measuring import Measured
from pathgen.planning.page import as_text
from pathgen.planning.plan import Plan, assemble
from pathgen.planning.rates import Rate
from pathgen.planning.reuse import Reuse, downstream, has_changed
from pathgen.planning.slides import Slides
from pathgen.planning.words import duration, number, size
from pathgen.planning.workload import plan_jobs

SLIDES = Slides(13, 44_000_000, drawn_px=1_000_000)


def measured(images_per_s: float = 1000.0) -> Measured:
    names = [f"{generator} {done}" for generator in ("dcgan", "dpdcgan") for done in ("trained", "drawn")]
    searched = [f"cnn6-tuned with {network}" for network in ("cnn6", "resnet18")]
    names += [f"{name} {done}" for name in ("cnn6", *searched) for done in ("trained", "predicted")]
    names += ["phantom pixels"]
    rates = {name: Rate(images_per_s, "measured") for name in names}
    return Measured("cpu", 2.0, rates, SIZES)


def planned(*, to_run: set[str] | None = None, speed: float = 1000.0, free: int = 10**12) -> Plan:
    study = default_study()
    stages = frozenset(job.stage for job in plan_jobs(study, SLIDES, SIZES))
    reuse = Reuse(stages, stages if to_run is None else frozenset(to_run))
    return assemble(study, SLIDES, reuse, measured(speed), copies=2, disk_free=free)


def test_time_is_work_over_rate_and_the_start_of_each_stage() -> None:
    rows = {row.group: row for row in planned().rows}
    assert rows["train_gan"].seconds == pytest.approx(2 * (50_000 / 1000 + 2))
    assert rows["train_original"].seconds == pytest.approx(3 * ((10_000 + 4_800) / 1000 + 2))
    assert rows["sample"].seconds == 2


def test_experiments_beside_the_study_are_told_and_not_added() -> None:
    plan = planned()
    sweep = plan.dp_sweep
    assert (sweep.stages, sweep.to_run) == (15, 15)
    assert sweep.seconds > 15 * (2 * 60_000 / 1000 + 2) > plan.rows[-1].seconds
    assert plan.seconds == sum(row.seconds for row in plan.rows)
    assert f"make dp-sweep, about {duration(sweep.seconds)} for 15 points" in as_text(plan)
    assert plan.as_json()["dp_sweep"]["stages"] == 15
    search = plan.tuning
    trained, drawn = search.work["cnn6-tuned with cnn6 trained"], 2 * 2000
    assert trained == 20 * 3 * drawn * default_study().train_classifier.classifiers["cnn6-tuned"].max_epochs
    assert f"make tuning, at most about {duration(search.seconds)} for 20 trials" in as_text(plan)
    assert plan.as_json()["tuning"]["stages"] == 20


def test_what_dvc_reuses_costs_nothing_now() -> None:
    plan = planned(to_run={"evaluate@original-cnn6-1"})
    rows = {row.group: row for row in plan.rows}
    assert (rows["evaluate"].to_run, rows["evaluate"].stages) == (1, 9)
    assert plan.seconds == pytest.approx(1200 / 1000 + 2)
    assert rows["train_gan"].seconds == 0 < rows["train_gan"].seconds_of_all
    assert plan.disk_needed == 0


def test_time_is_said_first_and_last() -> None:
    plan = planned()
    lines = as_text(plan).splitlines()
    assert f"about {duration(plan.seconds)} for" in lines[0]
    assert lines[-1] in lines[0]
    assert "50.0 k" not in lines[0]


def test_nothing_to_do_is_said() -> None:
    assert "nothing to run" in as_text(planned(to_run=set()))


def test_program_gets_the_same_numbers() -> None:
    plan = planned()
    told = json.loads(json.dumps(plan.as_json()))
    assert told["totals"]["seconds"] == plan.seconds
    assert told["patches"]["train"] == 1000
    assert told["rates"]["dcgan trained"] == {"per_s": 1000.0, "origin": "measured"}
    assert sum(row["writes"] for row in told["rows"]) * 2 <= told["totals"]["disk_needed"]


def test_long_work_without_gpu_is_warned_of() -> None:
    assert not any("GPU" in note for note in planned().notes)
    assert any("GPU" in note for note in planned(speed=2.0).notes)


def test_full_disk_is_warned_of() -> None:
    plan = planned(free=1_000_000)
    assert any("the disk has 1.0 MB free" in note for note in plan.notes)


@pytest.mark.parametrize(("when_bad", "then"), [("stop", "stops there"), ("skip", "leaves them out")])
def test_slides_without_a_file_are_noted(when_bad: str, then: str) -> None:
    slides = Slides(13, 44_000_000, missing=("a.tif", "b.tif", "c.tif", "d.tif"))
    study = study_with({"cohort.on_bad_slide": when_bad})
    stages = frozenset(job.stage for job in plan_jobs(study, slides, SIZES))
    plan = assemble(study, slides, Reuse(stages, stages), measured(), copies=1, disk_free=10**12)
    words = f"4 of the table's slides have no file (a.tif, b.tif, c.tif, ...): the stage cohort {then}"
    assert words in plan.notes and f"note: {words}" in as_text(plan)
    assert plan.as_json()["slides"]["missing"] == list(slides.missing)


def test_stage_that_nothing_is_known_of_still_counts() -> None:
    study = default_study()
    stages = frozenset({*(job.stage for job in plan_jobs(study, SLIDES, SIZES)), "compare@new"})
    plan = assemble(study, SLIDES, Reuse(stages, stages), measured(), copies=1, disk_free=10**12)
    assert {row.group: row.seconds for row in plan.rows}["compare"] == 2


def test_problems_are_named_and_the_rest_is_planned() -> None:
    missing = Slides(0, 0, problem=PathgenError("data", "no such folder", "Set cohort.root"))
    study = study_with({"cohort.source": "camelyon16", "cohort.root": "data"})
    problem = PathgenError(".", "no DVC project", "Run dvc init")
    nothing = frozenset[str]()
    plan = assemble(study, missing, Reuse(nothing, nothing, problem), measured(), copies=1, disk_free=10**12)
    assert plan.problems == ("data: no such folder. Set cohort.root.", ".: no DVC project. Run dvc init.")
    assert plan.seconds == plan.seconds_of_all > 100


def test_downstream_of_a_change() -> None:
    graph = {"check_params": (), "a": ("check_params",), "b": ("a",), "c": ("b",), "d": ("check_params",)}
    assert downstream(graph, {"b"}) == {"b", "c"}
    assert downstream(graph, {"check_params"}) == {"check_params"}
    assert downstream(graph, {"a", "gone"}) == {"a", "b", "c"}


def test_absent_data_are_no_change() -> None:
    assert not has_changed({"changed deps": {"data/x": "deleted"}, "changed outs": {"data/y": "deleted"}})
    assert has_changed({"changed deps": {"params.yaml": {"sample": "modified"}}})
    assert has_changed({"changed command": None})


def test_links_share_what_copies_double() -> None:
    assert copies_with("reflink,copy", "ext4") == 2
    assert copies_with("reflink,copy", "xfs") == 1
    assert copies_with("hardlink, copy", "ext4") == 1
    assert copies_with("copy, hardlink", "btrfs") == 2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 second"),
        (59.4, "59 seconds"),
        (59.9, "1 minute"),
        (64, "1 minute 4 seconds"),
        (754, "13 minutes"),
        (3599, "1 hour"),
        (3600 * 5 + 420, "5 hours 7 minutes"),
        (86400 * 3 + 3600 * 4, "3 days 4 hours"),
        (86400 * 400, "400 days"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sizes_and_counts_in_words() -> None:
    assert [size(count) for count in (0, 999, 1_500, 44_200_000, 331e6, 2.5e12)] == [
        "–",
        "999 B",
        "1.5 kB",
        "44.2 MB",
        "331 MB",
        "2.5 TB",
    ]
    assert [number(count) for count in (9_999, 50_000, 28_006_400)] == ["9,999", "50.0 k", "28.0 M"]
