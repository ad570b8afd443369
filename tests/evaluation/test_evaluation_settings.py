"""The section `evaluate`."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pathgen.core.errors import PathgenErrors
from pathgen.core.params import parse_section
from pathgen.evaluation.settings import EvaluateSettings
from stages import compare, evaluate, evaluate_on_synthetic

ROOT = Path(__file__).resolve().parents[2]

GOOD: dict[str, Any] = {
    "threshold": 0.5,
    "confidence": 0.95,
    "specificity": 0.95,
    "calibration_bins": 10,
    "resamples": 2000,
    "seed": 1,
    "power": 0.8,
}


def test_a_complete_section_is_taken() -> None:
    assert parse_section({"evaluate": GOOD}, "evaluate", EvaluateSettings).resamples == 2000


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
def test_impossible_values_are_named(name: str, value: object) -> None:
    with pytest.raises(PathgenErrors, match=rf"evaluate\.{name}: is "):
        parse_section({"evaluate": {**GOOD, name: value}}, "evaluate", EvaluateSettings)


def test_a_stage_asks_for_the_settings_that_shape_it_and_no_others() -> None:
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    used = {
        "evaluate": evaluate.USED,
        "evaluate_on_synthetic": evaluate_on_synthetic.USED,
        "compare": compare.USED,
    }
    for name, keys in used.items():
        asked = [one for one in stages[name]["params"] if one.startswith("evaluate")]
        assert asked == [f"evaluate.{key}" for key in keys], name
    assert {key for keys in used.values() for key in keys} == set(EvaluateSettings.model_fields)
    assert "power" not in (*evaluate.USED, *evaluate_on_synthetic.USED)
