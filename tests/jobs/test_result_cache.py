"""The result cache: a result is found if and only if it is complete."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from factories.toy_jobs import toy_key

from pathgen.jobs.result_cache import ENTRY_FILE, ResultCache


@pytest.fixture
def cache(tmp_path: Path) -> ResultCache:
    return ResultCache(tmp_path / "cache")


def _add(cache: ResultCache, text: str = "pixels", seed: int = 1) -> Path:
    with cache.draft("a") as draft:
        (draft / "sub").mkdir()
        (draft / "pixels.bin").write_text(text)
        (draft / "sub" / "more.bin").write_text("more")
        values = {"patches": 3, "mean": 0.1, "method": None}
        return cache.commit(draft, "a", toy_key(seed), values).folder


def test_cache_committed_result_is_loaded(cache: ResultCache) -> None:
    folder = _add(cache)
    entry = cache.load("a", toy_key())
    assert entry is not None and entry.folder == folder and entry.key == toy_key()
    assert entry.values == {"patches": 3, "mean": 0.1, "method": None}
    assert list(cache.folder.glob("*/*")) == [folder]
    assert cache.load("a", toy_key(2)) is None and cache.load("b", toy_key()) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda place: (place / "pixels.bin").write_text("pixel"),
        lambda place: (place / "sub" / "more.bin").unlink(),
        lambda place: (place / "added.bin").write_text("added"),
        lambda place: (place / ENTRY_FILE).unlink(),
        lambda place: (place / ENTRY_FILE).write_text("[1]"),
        lambda place: (place / ENTRY_FILE).write_bytes(b"\xff\xfe"),
        lambda place: (place / ENTRY_FILE).write_text((place / ENTRY_FILE).read_text()[:-40]),
        lambda place: (place / ENTRY_FILE).write_text((place / ENTRY_FILE).read_text().replace("key", "k")),
    ],
)
def test_cache_damaged_result_is_replaced(cache: ResultCache, damage: Callable[[Path], object]) -> None:
    damage(_add(cache))
    assert cache.load("a", toy_key()) is None and cache.entries("a") == []
    _add(cache)
    assert cache.load("a", toy_key()) is not None


def test_cache_second_commit_keeps_the_first(cache: ResultCache) -> None:
    place = _add(cache, "first")
    assert _add(cache, "other") == place
    assert (place / "pixels.bin").read_text() == "first"
    assert list((cache.folder / "a").iterdir()) == [place]


def test_cache_failed_draft_leaves_nothing(cache: ResultCache) -> None:
    with pytest.raises(ValueError, match="no"), cache.draft("a") as draft:
        (draft / "pixels.bin").write_text("half")
        raise ValueError("no")
    assert list((cache.folder / "a").iterdir()) == []


def test_cache_prune_keeps_named_results_only(cache: ResultCache) -> None:
    old, new = _add(cache, seed=1), _add(cache, seed=2)
    assert [entry.folder for entry in cache.entries("a")] == sorted([old, new])
    (cache.folder / "a" / ".killed.partial").mkdir()
    (cache.folder / "gone" / "result").mkdir(parents=True)
    cache.prune([("a", toy_key(2))])
    assert list(cache.folder.glob("*/*")) == [new]


def test_cache_recent_drafts_of_others_are_kept(cache: ResultCache) -> None:
    result = _add(cache)
    recent, abandoned = (cache.folder / "a" / f".{name}.partial" for name in ("recent", "abandoned"))
    recent.mkdir()
    abandoned.mkdir()
    days_ago = time.time() - 2 * 24 * 3600
    os.utime(abandoned, (days_ago, days_ago))
    cache.remove_abandoned_drafts()
    assert set((cache.folder / "a").iterdir()) == {result, recent}
