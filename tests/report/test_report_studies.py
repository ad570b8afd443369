"""Optional studies: their state, their plots, and what is damaged."""

import json
from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError
from pathgen.report.studies import read_study


def test_study_is_read_with_its_plots(study: Path, tmp_path: Path) -> None:
    scaling = read_study(study / "results" / "scaling", {})
    assert scaling is not None
    assert list(scaling.sentences) == ["A made-up law holds."]
    (picture,) = scaling.pictures
    assert picture.alt == "A made-up curve"
    assert picture.source.startswith("data:image/svg+xml;base64,")
    assert picture.width == pytest.approx(5.4 * 96, abs=1)
    assert read_study(tmp_path, {}) is None


MADE_FROM = {"patches/test/patches.npy": "sha256:1", "generator": "sha256:2"}


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        ({**MADE_FROM, "samples.parquet": "sha256:3"}, []),
        ({**MADE_FROM, "generator": "sha256:4"}, ["generator"]),
        ({}, ["generator", "patches/test/patches.npy"]),
    ],
)
def test_study_names_the_inputs_that_changed(tmp_path: Path, now: dict[str, str], changed: list[str]) -> None:
    content = {"sentences": [], "figures": [], "made_from": MADE_FROM}
    (tmp_path / "summary.json").write_text(json.dumps(content))
    found = read_study(tmp_path, now)
    assert found is not None and found.changed == changed


@pytest.mark.parametrize("content", [None, "not a picture"])
def test_study_plot_missing_or_damaged_is_named(tmp_path: Path, content: str | None) -> None:
    summary = {"sentences": [], "figures": ["curve.svg"], "made_from": {}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    if content is not None:
        (tmp_path / "curve.svg").write_text(content)
    with pytest.raises(PathgenError) as raised:
        read_study(tmp_path, {})
    assert raised.value.subject.endswith("curve.svg")
