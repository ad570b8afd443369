"""Fidelity in a sentence, and what is better in each measure."""

import re
from typing import Any

import pytest

from pathgen.provenance.code_hash import ROOT
from pathgen.report.fidelity import better, fidelity_part


def measured(name: str, low: float, high: float) -> dict[str, Any]:
    ends = {"": (low + high) / 2, "/low": low, "/high": high}
    floor = {"/floor": 0.5, "/floor_low": 0.4, "/floor_high": 0.6}
    return {f"fidelity/all/{name}{end}": value for end, value in (ends | floor).items()}


def test_what_is_better_is_what_the_list_of_metrics_says() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| `fidelity/\{label\}/(\S+)` \|.*$", text, re.M)
    cells = [line.split(" | ") for line in text.splitlines() if line.startswith("| `fidelity/{label}/")]
    assert len(lines) == len(cells) > 5
    for name, line in zip(lines, cells, strict=True):
        assert better(name).removeprefix("the nearer to").startswith(line[3].removeprefix("towards")), name
        assert better(name)


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
    part = fidelity_part("dcgan", {"metrics": measured(name, low, high)})
    assert f"In {int(apart)} of 1 comparison " in part.sentence
    assert ("a machine can tell" in part.sentence) is apart
    (line,) = part.lines
    assert line.remark == (f"{better(name)} is better" if "density" not in name else better(name))


def test_nothing_is_concluded_where_nothing_can_be_compared() -> None:
    unknown = measured("made_up", 0.7, 0.8) | {"fidelity/all/colour": None}
    part = fidelity_part("dcgan", {"metrics": unknown, "patches": {"normal": 20}})
    assert part.sentence == ""
    assert [line.remark for line in part.lines] == ["", "", ""]
    assert fidelity_part("dcgan", {}).sentence == ""
