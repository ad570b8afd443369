"""Fidelity in a sentence, and what is better in each measure."""

from typing import Any

import pytest

from pathgen.report.fidelity import fidelity_part

BETTER = {"frechet_texture-v1": "lower", "coverage_texture-v1": "higher", "density_texture-v1": "floor"}
ABOUT = {name: {"description": "", "better": better} for name, better in BETTER.items()}


def measured(name: str, low: float, high: float) -> dict[str, Any]:
    ends = {"": (low + high) / 2, "/low": low, "/high": high}
    floor = {"/floor": 0.5, "/floor_low": 0.4, "/floor_high": 0.6}
    return {f"fidelity/all/{name}{end}": value for end, value in (ends | floor).items()}


@pytest.mark.parametrize(
    ("name", "low", "high", "apart"),
    [
        ("frechet_texture-v1", 0.7, 0.8, True),
        ("frechet_texture-v1", 0.1, 0.2, False),
        ("frechet_texture-v1", 0.5, 0.8, False),
        ("coverage_texture-v1", 0.1, 0.2, True),
        ("coverage_texture-v1", 0.7, 0.8, False),
        ("density_texture-v1", 0.1, 0.2, True),
        ("density_texture-v1", 0.7, 0.8, True),
        ("density_texture-v1", 0.45, 0.55, False),
    ],
)
def test_a_set_is_apart_on_the_worse_side_of_the_floor_alone(
    name: str, low: float, high: float, apart: bool
) -> None:
    part = fidelity_part("dcgan", {"metrics": measured(name, low, high), "about": ABOUT})
    assert f"In {int(apart)} of 1 comparison " in part.sentence
    assert ("a machine can tell" in part.sentence) is apart
    (line,) = part.lines
    assert line.remark.startswith(BETTER[name]) or BETTER[name] in line.remark


def test_nothing_is_concluded_where_nothing_can_be_compared() -> None:
    unknown = measured("made_up", 0.7, 0.8) | {"fidelity/all/colour": None}
    part = fidelity_part("dcgan", {"metrics": unknown, "patches": {"normal": 20}})
    assert part.sentence == ""
    assert [line.remark for line in part.lines] == ["", "", ""]
    assert fidelity_part("dcgan", {}).sentence == ""
