"""Keys of cached results."""

import json
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
    ("part", "value", "name"),
    [
        ("settings", {"evaluate": {"threshold": 0.6, "sizes": (8, 16)}}, "settings.evaluate.threshold"),
        ("settings", {"evaluate": {"threshold": 0.5}}, "settings.evaluate.sizes"),
        ("inputs", {"data/patches/train": "xy"}, "inputs.data/patches/train"),
        ("code", {"pathgen/a.py": "xy"}, "code.pathgen/a.py"),
        ("libraries", {"torch": "2.10"}, "libraries.torch"),
    ],
)
def test_diff_names_each_changed_part(part: str, value: dict[str, object], name: str) -> None:
    other = CacheKey(**{**KEY.as_json(), part: value})
    assert KEY.diff(other) == other.diff(KEY) == [name]
    assert KEY.digest != other.digest


def test_key_read_back_from_json_has_no_diff() -> None:
    back = CacheKey.from_json(json.loads(json.dumps(KEY.as_json())))
    assert KEY.diff(back) == []
    assert KEY.digest == back.digest


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
