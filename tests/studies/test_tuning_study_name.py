"""The name of a study depends on everything that shapes a trial, and on nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from factories.tuning import PARAMS, RATE, settings

from pathgen.studies.tuning.storage import input_names, study_name

WITH_TUNING = {**PARAMS, "tuning": {"seed": 1, "trials": 8, "space": []}}


def test_input_names_leave_out_what_may_change() -> None:
    names = input_names(WITH_TUNING, settings())
    assert "params.yaml: tuning.seed" in names and "params.yaml: synthesise.seed" in names
    assert "params.yaml: train_classifier.classifiers.toy.momentum" in names
    for free in (
        "tuning.trials",
        RATE,
        "synthesise.per_class",
        "train_classifier.classifiers.toy.lr_schedule",
    ):
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
    field = "train_classifier.classifiers.toy"
    plain = study_name(WITH_TUNING, settings(), {}, "cpu")
    for space in (
        [{"field": f"{field}.network", "choices": ["cnn6", network]}],
        [{"field": field, "variants": {"small": {}, "deep": {"network": network}}}],
    ):
        assert study_name(WITH_TUNING, settings(space=space), {}, "cpu") != plain
