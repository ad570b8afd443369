"""Search space: validation, conversion of a trial's values to fields, and the name of the study."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydantic
import pytest
from factories.tuning import PARAMS, RATE, settings
from ruamel.yaml import YAML

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.params import read_params
from pathgen.studies.tuning.overrides import set_fields, values_of, with_fields
from pathgen.studies.tuning.search_validation import check_search, search_problems
from pathgen.studies.tuning.settings import Dimension, TuningSettings, TuningWorkSettings
from pathgen.studies.tuning.storage import input_names, study_name
from pathgen.studies.tuning.tuning_results import write_best
from pathgen.validation import validate_params

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"field": RATE},
        {"field": RATE, "low": 0.1},
        {"field": RATE, "low": 0.1, "high": 0.1},
        {"field": RATE, "low": 0.0, "high": 0.1, "scale": "log"},
        {"field": RATE, "low": 0.01, "high": 0.1, "choices": [0.1]},
        {"field": RATE, "choices": [0.1, 0.1]},
        {"field": RATE, "choices": []},
        {"field": "train_gan.seed", "choices": [1]},
        {"field": "evaluate.threshold", "choices": [0.5]},
    ],
)
def test_dimension_invalid_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        Dimension.model_validate(wrong)


def test_dimension_one_and_true_are_two_choices() -> None:
    assert Dimension.model_validate({"field": RATE, "choices": [1, True]}).extremes() == [1, True]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"generator": "stylegan2"}, "tuning.generator"),
        ({"classifier": "unknown"}, "tuning.classifier"),
        ({"space": [{"field": RATE, "low": 0.1, "high": 20.0}]}, "learning_rate"),
        ({"space": [{"field": "train_classifier.classifiers.toy.lr", "choices": [1]}]}, "toy.lr"),
        ({"space": [{"field": "train_classifier.classifiers.toy.network", "choices": ["vgg"]}]}, "vgg"),
        ({"space": [{"field": RATE, "variants": {"a": {"x": 1}}}]}, RATE),
    ],
)
def test_search_problems_mismatch_with_params_is_named(change: dict[str, Any], where: str) -> None:
    assert search_problems(PARAMS, settings(), Path("params.yaml")) == []
    problems = search_problems(PARAMS, settings(**change), Path("params.yaml"))
    assert problems and all(where in str(problem) for problem in problems)


TOY, REGIMES = "train_classifier.classifiers.toy", "train_classifier.regimes"
MOMENTUM = "train_classifier.classifiers.other.momentum"
SEVERAL = {"field": "synthesise.per_class", "choices": [8, 40]}
SHARES = {"field": f"{REGIMES}.mixed_synthetic", "low": 0.2, "high": 0.6}
ORIGINALS = {"field": f"{REGIMES}.mixed_original", "low": 0.1, "high": 0.5}
FEW = {"few": {"mixed_synthetic": 0.1}}
MANY = {"few": {"mixed_original": 1.0}, "many": {"mixed_synthetic": 3.0}}
RATES = [{"field": RATE, "choices": [0.1, 0.2]}, {"field": TOY, "variants": {"a": {"learning_rate": 0.3}}}]


@pytest.mark.parametrize(
    ("regime", "space", "named"),
    [
        ("synthetic", [{"field": MOMENTUM, "choices": [0.5]}], (MOMENTUM, "toy")),
        ("synthetic", [ORIGINALS], (f"{REGIMES}.mixed_original", "synthetic")),
        ("original", [{"field": REGIMES, "variants": FEW}], (f"{REGIMES}.mixed_synthetic", "original")),
        ("original", [SEVERAL], ("synthesise.per_class", "original")),
        ("mixed", [{"field": f"{REGIMES}.validate_on", "choices": ["original"]}], ("validate_on", "mixed")),
        ("synthetic", RATES, (RATE, "two")),
        ("mixed", [SEVERAL], ("synthesise.per_class", "10")),
        ("mixed", [{**SEVERAL, "choices": [10, 40]}, SHARES], ("synthesise.per_class", "12")),
        ("mixed", [{"field": REGIMES, "variants": MANY}], ("synthesise.per_class", "60")),
        ("mixed", [ORIGINALS], ()),
        ("mixed", [{**SEVERAL, "choices": [12, 40]}, SHARES], ()),
        ("synthetic", [SEVERAL], ()),
        ("original", [{"field": RATE, "choices": [0.1]}], ()),
    ],
)
def test_search_problems_field_without_effect_is_refused(
    regime: str, space: list[dict[str, Any]], named: tuple[str, ...]
) -> None:
    toy = PARAMS["train_classifier"]["classifiers"]["toy"]
    params = {
        **PARAMS,
        "train_classifier": {**PARAMS["train_classifier"], "classifiers": {"toy": toy, "other": toy}},
    }
    problems = search_problems(params, settings(regime=regime, space=space), Path("params.yaml"))
    assert len(problems) == bool(named)
    assert all(part in str(problem) for problem in problems for part in named)


def test_search_problems_too_small_patches_are_refused() -> None:
    small = {**PARAMS, "extract": {"size_px": 8}}
    network = {"field": "train_classifier.classifiers.toy.network", "choices": ["resnet18"]}
    (problem,) = search_problems(small, settings(space=[network]), Path("params.yaml"))
    assert all(part in str(problem) for part in ("toy.network", "resnet18", "16", "extract.size_px", "8"))


def test_check_search_requires_original_validation_patches() -> None:
    changes = {f"{REGIMES}.validate_on": "code", REGIMES: {"valid_share_synthetic": 0.2}}
    params, path = with_fields(PARAMS, changes), Path("params.yaml")
    assert search_problems(params, settings(), path) == []
    with pytest.raises(PathgenErrors, match=r"train_classifier.regimes.validate_on"):
        check_search(params, settings(), path)
    check_search(PARAMS, settings(), path)


def test_values_of_rounds_and_with_fields_keeps_the_params() -> None:
    space = settings().space
    chosen = {RATE: 0.0123456, "synthesise.per_class": 24, "train_classifier.classifiers.toy": "step"}
    values = values_of(chosen, space)
    assert values[RATE] == 0.0123
    params = with_fields(PARAMS, values)
    toy = params["train_classifier"]["classifiers"]["toy"]
    assert (toy["learning_rate"], toy["lr_schedule"], toy["lr_step_steps"]) == (0.0123, "step", 4)
    assert params["synthesise"]["per_class"] == 24
    assert PARAMS["synthesise"]["per_class"] == 40, "the params themselves must stay"


def test_set_fields_unknown_field_is_named() -> None:
    with pytest.raises(PathgenError, match=r"train_classifier\.classifiers\.toy\.rate"):
        set_fields(dict(PARAMS), {"train_classifier.classifiers.toy.rate": 1.0})


def test_work_settings_share_no_field_with_tuning() -> None:
    assert not set(TuningWorkSettings.model_fields) & set(TuningSettings.model_fields)


def test_write_best_is_valid_and_keeps_comments(tmp_path: Path) -> None:
    params = read_params(ROOT / "params.yaml")
    search = TuningSettings.model_validate(params["tuning"])
    values = values_of({one.field: one.extremes()[-1] for one in search.space}, search.space)
    write_best(values, search, ROOT / "params.yaml", tmp_path / "best.yaml")
    validate_params(tmp_path / "best.yaml")
    best = read_params(tmp_path / "best.yaml")
    assert best == {
        **with_fields(params, values),
        "pipeline": {**params["pipeline"], "classifiers": [*params["pipeline"]["classifiers"], "cnn6-tuned"]},
    }
    comments = [line for line in (ROOT / "params.yaml").read_text().splitlines() if line.startswith("#")]
    written = (tmp_path / "best.yaml").read_text().splitlines()
    assert comments and all(line in written for line in comments)
    again = tmp_path / "again.yaml"
    write_best({}, search, tmp_path / "best.yaml", again)
    assert YAML(typ="safe").load(again) == best


WITH_TUNING = {**PARAMS, "tuning": {"seed": 1, "trials": 8, "space": []}}


def test_input_names_leave_out_what_may_change() -> None:
    names = input_names(WITH_TUNING, settings())
    assert "params.yaml: tuning.seed" in names and "params.yaml: synthesise.seed" in names
    assert "params.yaml: train_classifier.classifiers.toy.momentum" in names
    for free in ("tuning.trials", RATE, "synthesise.per_class", f"{TOY}.lr_schedule"):
        assert f"params.yaml: {free}" not in names


def name(
    change: Callable[[dict[str, Any]], object] = lambda _: None, device: str = "cpu", **made_from: str
) -> str:
    params = copy.deepcopy(WITH_TUNING)
    change(params)
    return study_name(params, settings(), made_from, device)


def test_study_name_changes_with_inputs_device_and_network() -> None:
    def other_network(params: dict[str, Any]) -> None:
        params["train_classifier"]["classifiers"]["toy"]["network"] = "resnet18"

    names = [name(), name(patches="a"), name(patches="b"), name(device="cuda"), name(other_network)]
    assert len(set(names)) == len(names)
    assert name() == names[0]


@pytest.mark.parametrize("network", ["resnet18", "googlenet"])
def test_study_name_covers_networks_that_are_searched(network: str) -> None:
    plain = study_name(WITH_TUNING, settings(), {}, "cpu")
    for space in (
        [{"field": f"{TOY}.network", "choices": ["cnn6", network]}],
        [{"field": TOY, "variants": {"small": {}, "deep": {"network": network}}}],
    ):
        assert study_name(WITH_TUNING, settings(space=space), {}, "cpu") != plain
