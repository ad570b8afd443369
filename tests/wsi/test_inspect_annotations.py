"""`pathgen inspect` judges annotations as the study does."""

from pathlib import Path

import pytest
from factories.slide_files import write_asap

from pathgen.core.profiles import compose_profile
from pathgen.inspect.probe import ProbeResult, inspect_path

SQUARE, INNER = [(0, 0), (100, 0), (100, 100), (0, 100)], [(20, 20), (60, 20), (60, 60)]


def refused(path: Path, *words: str) -> ProbeResult:
    """Check that a file is refused in one line that has these words."""
    found = inspect_path(path)
    assert not found.usable and found.problem is not None and len(found.problem.splitlines()) == 1
    assert [word for word in words if word not in found.problem] == []
    return found


def test_inspect_refuses_what_the_study_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful = write_asap(tmp_path / "a.xml", ("Tumor", SQUARE), ("Stroma", INNER), ("None", INNER))
    dot = write_asap(tmp_path / "dot.xml", ("Tumor", SQUARE), ("Tumor", []))
    known = write_asap(tmp_path / "b.xml", ("metastases", SQUARE), ("normal", INNER))
    monkeypatch.chdir(tmp_path)  # a folder without settings: those of all profiles
    refused(doubtful, "'None', 'Stroma'", "index.annotations.groups")
    refused(dot, "encloses no area")
    found = inspect_path(known)
    assert found.usable and (found.facts["lesions"], found.facts["exclusions"]) == (1, 1)


def test_inspect_of_annotations_follows_the_params_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = ("Tumor", SQUARE), ("Stroma", INNER), ("None", INNER), ("Tumor", [])
    path = write_asap(tmp_path / "a.xml", *drawn)
    params = compose_profile("phantom").replace("groups: {}", "groups: {stroma: exclusion, None: lesion}")
    (tmp_path / "params.yaml").write_text(params.replace("without_area: refuse", "without_area: drop"))
    monkeypatch.chdir(tmp_path)
    found = inspect_path(path)
    assert found.usable and (found.facts["exclusions"], found.facts["without_area"]) == (1, 1)
