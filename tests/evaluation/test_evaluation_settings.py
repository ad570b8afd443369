"""The section `evaluate`."""

from pathlib import Path

import pytest
from factories.runs import EVALUATE
from ruamel.yaml import YAML

from pathgen.core.errors import PathgenErrors
from pathgen.core.params import parse_section
from pathgen.evaluation.settings import EvaluateSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("confidence", 95.0),
        ("specificity", 1.0),
        ("resamples", 10),
        ("calibration_bins", 1),
        ("power", 0.2),
        ("seed", -1),
    ],
)
def test_invalid_value_raises_with_its_name(name: str, value: object) -> None:
    with pytest.raises(PathgenErrors, match=rf"evaluate\.{name}: is "):
        parse_section({"evaluate": {**EVALUATE, name: value}}, "evaluate", EvaluateSettings)


def test_power_repeats_the_comparison_alone() -> None:
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    asked = {
        name: {one.removeprefix("evaluate.") for one in stages[name]["params"] if one.startswith("evaluate")}
        for name in ("evaluate", "compare")
    }
    assert asked["evaluate"] == set(EvaluateSettings.model_fields) - {"power"}
    assert asked["compare"] == {"confidence", "resamples", "seed", "power"}
