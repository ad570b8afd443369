"""Composing params files from the base profile and overlays."""

import re
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pathgen.cli import app
from pathgen.core.errors import PathgenError
from pathgen.core.profiles import compose_profile, profile_names, read_profile
from pathgen.validation import SECTIONS, validate_params

ROOT = Path(__file__).resolve().parents[2]
BASE = """# Base.

# First.
a:
  x: 1
  many: [1, 2]
  # Above y.
  y: {z: 0.0001, u: 2}

b:
  w: null # Why.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a base of two sections; its overlay is for the test."""
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def test_params_file_equals_phantom_profile_byte_for_byte() -> None:
    assert (ROOT / "params.yaml").read_text(encoding="utf-8") == compose_profile("phantom")


@pytest.mark.parametrize("name", profile_names())
def test_composed_profile_is_valid_and_complete(name: str, tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    found = CliRunner().invoke(app, ["params", name, "--output", str(file)])
    assert found.exit_code == 0, found.output
    validate_params(file)
    assert set(read_profile(name)) == set(SECTIONS)


@pytest.mark.parametrize("page", ["classifiers", "generators"])
def test_recipes_in_the_docs_are_valid(page: str, tmp_path: Path) -> None:
    file = ROOT / "docs" / f"{page}.md"
    if not file.exists():
        pytest.skip("no such page")
    blocks = re.findall(r"^```yaml\n(.*?)^```", file.read_text(encoding="utf-8"), re.S | re.M)
    text = compose_profile("phantom")
    for block in sorted(blocks, key=lambda block: block.startswith("pipeline:")):
        whole = block.split(":")[0] in SECTIONS
        overlay = block if whole else f"train_gan:\n  {page}:\n{textwrap.indent(block, '    ')}"
        (tmp_path / "base.yaml").write_text(text)
        (tmp_path / "page.yaml").write_text(overlay)
        text = compose_profile("page", tmp_path)
        (tmp_path / "params.yaml").write_text(text)
        validate_params(tmp_path / "params.yaml")
    assert blocks


def test_unknown_profile_names_the_known_ones(folder: Path) -> None:
    (folder / "one.yaml").write_text("a:\n  x: 2\n")
    with pytest.raises(PathgenError, match="one"):
        compose_profile("two", folder)


def test_overlay_merges_mappings_replaces_lists_and_adds_keys(folder: Path) -> None:
    (folder / "one.yaml").write_text("a:\n  many: [3]\n  y:\n    u: 5\n    v: 6\nc:\n  n: 1\n")
    merged = {"x": 1, "many": [3], "y": {"z": 0.0001, "u": 5, "v": 6}}
    assert read_profile("one", folder) == {"a": merged, "b": {"w": None}, "c": {"n": 1}}


def test_null_removes_a_mapping_and_sets_a_scalar(folder: Path) -> None:
    (folder / "one.yaml").write_text("a:\n  x: null\n  y: null\nb: null\n")
    assert read_profile("one", folder) == {"a": {"x": None, "many": [1, 2]}}


def test_composed_profile_keeps_comments_and_notation(folder: Path) -> None:
    (folder / "one.yaml").write_text("# One.\n\n# Own first.\na:\n  x: 2\n")
    text = compose_profile("one", folder)
    assert text.startswith("# One.\n")
    for line in ("# Own first.", "  # Above y.", "  y: {z: 0.0001, u: 2}", "  w: null # Why."):
        assert line in text.splitlines()
