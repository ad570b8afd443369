"""Optional studies: their state, their plots, and what is damaged."""

import json
from pathlib import Path

import pytest

from pathgen.core.errors import PathgenError
from pathgen.report.studies import StudyState, read_study


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
    ("made_from", "now", "state", "changed"),
    [
        (MADE_FROM, {**MADE_FROM, "samples.parquet": "sha256:3"}, "current", []),
        (MADE_FROM, {**MADE_FROM, "generator": "sha256:4"}, "stale", ["generator"]),
        (MADE_FROM, {}, "stale", ["generator", "patches/test/patches.npy"]),
        (None, MADE_FROM, "unknown", []),
    ],
)
def test_study_state_follows_its_inputs(
    tmp_path: Path,
    made_from: dict[str, str] | None,
    now: dict[str, str],
    state: StudyState,
    changed: list[str],
) -> None:
    content = {"sentences": [], "figures": [], "made_from": made_from}
    (tmp_path / "summary.json").write_text(json.dumps(content))
    found = read_study(tmp_path, now)
    assert found is not None
    assert (found.state, found.changed) == (state, changed)


@pytest.mark.parametrize("content", [None, "not a picture"])
def test_study_plot_missing_or_damaged_is_named(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "summary.json").write_text(json.dumps({"sentences": [], "figures": ["curve.svg"]}))
    if content is not None:
        (tmp_path / "curve.svg").write_text(content)
    with pytest.raises(PathgenError) as raised:
        read_study(tmp_path, {})
    assert raised.value.subject.endswith("curve.svg")
