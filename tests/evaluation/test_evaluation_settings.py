"""The section `evaluate`."""

from typing import Any

import pytest

from pathgen.errors import PathgenErrors
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.params import parse_section

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
