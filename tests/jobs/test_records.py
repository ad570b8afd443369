"""Records are trusted only when they and their files are exactly what was written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pathgen.jobs import code
from pathgen.jobs.code import code_digest
from pathgen.jobs.result_cache import Identity, draft_beside, put_in_place, read_record, write_record

_IDENTITY = Identity("parameters", "slide", "code", "part")


def _keep(place: Path, text: str = "pixels", reason: str | None = None) -> None:
    with draft_beside(place) as draft:
        if reason is None:
            (draft / "a.bin").write_text(text)
            (draft / "b.bin").write_text("more")
        write_record(draft, _IDENTITY, {"patches": 3, "mean": 0.1, "method": None}, reason, 1.23456)
        put_in_place(draft, place)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    _keep(tmp_path / "one")
    record = read_record(tmp_path / "one")
    assert record is not None
    assert record.identity == _IDENTITY
    assert record.facts == {"patches": 3, "mean": 0.1, "method": None}
    assert (record.reason, record.seconds) == (None, 1.235)
    assert {name: size for name, (size, _) in record.files.items()} == {"a.bin": 6, "b.bin": 4}
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def _edit(change: Callable[[dict[str, object]], object]) -> Callable[[Path], object]:
    def edit(place: Path) -> None:
        content = json.loads((place / "record.json").read_text())
        change(content)
        (place / "record.json").write_text(json.dumps(content))

    return edit


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: (place / "a.bin").write_text("pixelz"),
        lambda place: (place / "a.bin").write_text("pixel"),
        lambda place: (place / "a.bin").unlink(),
        lambda place: (place / "c.bin").write_text("added"),
        lambda place: (place / "record.json").unlink(),
        lambda place: (place / "record.json").write_text(""),
        lambda place: (place / "record.json").write_text("[1]"),
        lambda place: (place / "record.json").write_bytes(b"\xff\xfe"),
        lambda place: (place / "record.json").write_text((place / "record.json").read_text()[:-40]),
        _edit(lambda content: content["facts"].update(patches=4)),  # type: ignore[attr-defined]
        _edit(lambda content: content.update(form=2)),
        _edit(lambda content: content.pop("identity")),
        _edit(lambda content: content.update(files={})),
    ],
)
def test_damage_is_noticed(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    _keep(tmp_path / "one")
    assert read_record(tmp_path / "one") is not None
    damage(tmp_path / "one")
    assert read_record(tmp_path / "one") is None


def test_no_record_is_no_record(tmp_path: Path) -> None:
    assert read_record(tmp_path / "none") is None


def test_the_first_of_two_stays_and_damage_makes_way(tmp_path: Path) -> None:
    place = tmp_path / "one"
    _keep(place, "first")
    _keep(place, "other")
    assert (place / "a.bin").read_text() == "first"
    (place / "a.bin").write_text("damag")
    _keep(place, "third")
    assert (place / "a.bin").read_text() == "third"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_work_takes_the_place_of_a_reason_and_not_the_other_way(tmp_path: Path) -> None:
    place = tmp_path / "one"
    _keep(place, reason="it is damaged")
    _keep(place)
    _keep(place, reason="it was away for a moment")
    record = read_record(place)
    assert record is not None and record.reason is None


def test_nothing_is_left_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), draft_beside(tmp_path / "slide" / "one") as draft:
        (draft / "a.bin").write_text("half")
        raise ValueError("no")
    assert list((tmp_path / "slide").iterdir()) == []


def test_each_part_of_an_identity_gives_another_folder() -> None:
    names = {Identity(*("x" if number == which else "y" for number in range(4))).name for which in range(5)}
    assert len(names) == 5


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_code_counts_with_all_that_it_imports_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "_ROOT", tmp_path)
    _write(
        tmp_path,
        {
            "pathgen/__init__.py": "",
            "pathgen/cut/__init__.py": "",
            "pathgen/cut/knife.py": "import numpy\nimport pathgen.core.errors\n"
            "from pathgen.cut import blade\n",
            "pathgen/cut/blade.py": "def sharpen():\n    import pathgen.stone\n",
            "pathgen/stone.py": "",
            "pathgen/core/errors.py": "",
            "pathgen/other.py": "",
        },
    )

    def digest() -> str:
        """Tell the digest as a process does that starts now."""
        code_digest.cache_clear()
        monkeypatch.setattr(code, "_SOURCES", code._read_sources())
        return code_digest("pathgen.cut.knife")

    before = digest()
    for file, counts in {
        "cut/knife.py": True,
        "cut/blade.py": True,
        "cut/__init__.py": True,
        "stone.py": True,
        "other.py": False,
        "core/errors.py": False,
    }.items():
        text = (tmp_path / "pathgen" / file).read_text()
        (tmp_path / "pathgen" / file).write_text(text + "# changed\n")
        assert (digest() != before) == counts, file
        (tmp_path / "pathgen" / file).write_text(text)
    assert digest() == before
    monkeypatch.setattr(code, "_INSTALLED", ("numpy==99",))
    assert digest() != before
    monkeypatch.undo()
    code_digest.cache_clear()


def test_code_is_that_of_the_processs_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = code_digest("pathgen.core.labels")
    monkeypatch.setattr(code, "_ROOT", tmp_path)
    assert code_digest("pathgen.core.labels") == before
