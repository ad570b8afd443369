"""Keys of cached results."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pathgen.provenance.cache_key import CacheKey, file_hashes, library_versions

KEY = CacheKey(
    settings={"evaluate": {"threshold": 0.5, "sizes": (8, 16)}},
    inputs={"data/patches/train": "ab"},
    code={"pathgen/a.py": "cd"},
    libraries={"torch": "2.9"},
)


def test_digest_of_equal_content_is_equal() -> None:
    reordered = CacheKey(
        libraries={"torch": "2.9"},
        code={"pathgen/a.py": "cd"},
        inputs={"data/patches/train": "ab"},
        settings={"evaluate": {"sizes": [8, 16], "threshold": 0.5}},
    )
    assert KEY.digest == reordered.digest
    assert len(KEY.digest) == 64


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("settings", {"evaluate": {"threshold": 0.6, "sizes": (8, 16)}}),
        ("settings", {"evaluate": {"threshold": 0.5}}),
        ("inputs", {"data/patches/train": "xy"}),
        ("code", {"pathgen/a.py": "xy"}),
        ("libraries", {"torch": "2.10"}),
    ],
)
def test_digest_depends_on_every_part(part: str, value: dict[str, object]) -> None:
    assert CacheKey(**{**KEY.as_json(), part: value}).digest != KEY.digest


def test_key_without_an_input_ignores_that_input_alone() -> None:
    other = replace(KEY, inputs={**KEY.inputs, "places": "cd"})
    assert other.without_input("places") == KEY != other


def test_key_read_back_from_json_is_equal() -> None:
    assert CacheKey(**json.loads(json.dumps(KEY.as_json()))).digest == KEY.digest


def test_key_with_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        _ = CacheKey(settings={"x": float("nan")}).digest


def test_library_versions_name_what_is_absent() -> None:
    found = library_versions("torch", "no-such-library")
    assert found["torch"][0].isdigit()
    assert found["no-such-library"] == "absent"


def test_file_hashes_follow_content_and_skip_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    (tmp_path / "a" / ".gitignore").write_text("x")
    (tmp_path / "b").write_text("1")
    found = file_hashes(Path("a"), Path("b"), Path("absent"), root=tmp_path)
    assert list(found) == ["a/x", "b"]
    assert found["a/x"] == found["b"]
