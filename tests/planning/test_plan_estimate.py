"""Estimate of a study's time: work from settings, times from recorded durations."""

import math
from pathlib import Path
from typing import Any

import pytest
from factories.parameters import changed_params
from ruamel.yaml import YAML

from pathgen.core.profiles import profile_names, read_profile
from pathgen.planning.durations import FILE, read_durations, record_duration
from pathgen.planning.plan import Group, Plan, make_plan, recorded_speeds
from pathgen.planning.plan_text import as_text
from pathgen.planning.workload import scaling_work, stage_work, tuning_work

PARAMS = read_profile("phantom")


def units(params: dict[str, Any], group: str) -> float:
    return sum(one.units for one in stage_work(params, 13) if one.group == group)


@pytest.mark.parametrize(
    ("path", "group", "factor"),
    [
        ("pipeline.seeds", "train_classifier", 2),
        ("pipeline.seeds", "train_original", 2),
        ("pipeline.seeds", "train_gan", 1),
        ("extract.size_px", "train_gan", 4),
        ("extract.size_px", "extract", 1),
        ("synthesise.per_class", "synthesise", 2),
        ("train_classifier.classifiers.cnn6-stable.max_epochs", "train_original", 2),
    ],
)
def test_stage_work_follows_the_settings(path: str, group: str, factor: float) -> None:
    value: Any = PARAMS
    for name in path.split("."):
        value = value[name]
    doubled = [*value, *(seed + 100 for seed in value)] if isinstance(value, list) else 2 * value
    assert units(changed_params(PARAMS, {path: doubled}), group) == factor * units(PARAMS, group) > 0


@pytest.mark.parametrize("profile", profile_names())
def test_stage_work_counts_every_profile(profile: str) -> None:
    params = read_profile(profile)
    work = [*stage_work(params, 10), *scaling_work(params), *tuning_work(params)]
    assert all(math.isfinite(one.units) and one.units > 0 for one in work)
    assert len({one.stage for one in stage_work(params, 10)}) == len(stage_work(params, 10))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    YAML(typ="safe").dump(PARAMS, tmp_path / "params.yaml")
    return tmp_path


def test_recorded_speeds_of_older_settings_count_as_they_were(checkout: Path) -> None:
    (stage,) = [one for one in stage_work(PARAMS, 13) if one.group == "train_gan"]
    record_duration(stage.stage, 100.0, checkout)
    speed = recorded_speeds(checkout)[stage.kind]
    assert speed * stage.units == pytest.approx(100.0)
    YAML(typ="safe").dump(changed_params(PARAMS, {"pipeline.seeds": [1]}), checkout / "params.yaml")
    record_duration("sample", 1.0, checkout)
    assert recorded_speeds(checkout)[stage.kind] == speed


def test_make_plan_totals_the_recorded_groups_alone(checkout: Path) -> None:
    record_duration("sample", 100.0, checkout)
    YAML(typ="safe").dump(changed_params(PARAMS, {"pipeline.seeds": [1]}), checkout / "params.yaml")
    found = make_plan("phantom", checkout)
    seconds = {group.name: group.seconds for group in found.groups}
    assert seconds["sample"] == found.seconds > 100 and seconds["train_gan"] is None
    kinds = ("normal_slides", "tumor_slides", "test_normal_slides", "test_tumor_slides")
    assert found.inputs == sum(PARAMS["cohort"]["phantom"][kind] for kind in kinds)
    assert found.scaling_s is None and found.tuning_s is None
    (line,) = [line for line in as_text(found, details=False).splitlines() if line.startswith("train_gan")]
    assert "no record" in line


def test_make_plan_counts_the_disk_of_controls(checkout: Path) -> None:
    def needed(controls: list[str]) -> float:
        file = checkout / "other.yaml"
        YAML(typ="safe").dump(changed_params(PARAMS, {"pipeline.controls": controls}), file)
        return make_plan(str(file), checkout).disk_needed

    patches = 2 * PARAMS["synthesise"]["per_class"]
    more = 2 * patches * 3 * PARAMS["extract"]["size_px"] ** 2
    assert needed(["control-blur"]) - needed([]) == more


def test_recorded_durations_keep_only_settings_in_use(checkout: Path) -> None:
    record_duration("sample", 1.0, checkout)
    YAML(typ="safe").dump(changed_params(PARAMS, {"pipeline.seeds": [1]}), checkout / "params.yaml")
    record_duration("sample", 2.0, checkout)
    content = read_durations(checkout / FILE)
    assert len(content["params"]) == 1 and content["stages"]["sample"]["seconds"] == 2.0


def plan(**changed: Any) -> Plan:
    groups = [
        Group("train_classifier", 6, 2, 12_345.0),
        Group("report", 1, 1, None),
        Group("privacy", 1, 0, 0.0),
    ]
    facts: dict[str, Any] = {
        "name": "params.yaml",
        "inputs": 13,
        "groups": groups,
        "seconds": 12_345.0,
        "to_run": 3,
        "scaling_s": 700.0,
        "tuning_s": 7000.0,
        "reuse": True,
        "disk_needed": 1e9,
        "disk_free": 1e12,
        "notes": [],
    }
    return Plan(**{**facts, **changed})


@pytest.mark.parametrize("details", [False, True])
@pytest.mark.parametrize("reuse", [False, True])
def test_as_text_fits_80_columns(details: bool, reuse: bool) -> None:
    text = as_text(plan(reuse=reuse, notes=["A long warning. " * 20]), details=details)
    assert max(map(len, text.splitlines())) <= 80


def test_as_text_lists_only_what_runs_unless_asked_for_all() -> None:
    assert "privacy" not in as_text(plan(), details=False)
    assert "privacy" in as_text(plan(), details=True)
    assert "3:25:45" in as_text(plan(), details=False).splitlines()[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"stages": 3}',
        '{"stages": {}, "params": {"a": {}}}',
        '{"stages": {"x": {}}, "params": {}}',
    ],
)
def test_recorded_durations_damaged_file_is_ignored(text: str, checkout: Path) -> None:
    (checkout / FILE).parent.mkdir()
    (checkout / FILE).write_text(text)
    assert recorded_speeds(checkout) == {}
    record_duration("sample", 1.0, checkout)
    assert "sample" in read_durations(checkout / FILE)["stages"]
