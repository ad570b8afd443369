"""The digest that distinguishes the contents of two slides, and the memory of those of large files."""

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pathgen.core import file_digest
from pathgen.core.file_digest import remembered_sha256
from pathgen.core.files import sha256_of
from pathgen.sources.cohort_table import content_digest

LARGE = 65 << 20


def test_content_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    file.write_bytes(b"slide")
    assert content_digest(file) == sha256_of(file)


def test_content_digest_of_a_large_file_uses_every_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    digests = set()
    changes = ((LARGE, None), (LARGE, 0), (LARGE, LARGE // 2), (LARGE, LARGE - 1), (LARGE + 1, None))
    for size, changed in changes:
        with file.open("wb") as stream:
            stream.truncate(size)  # sparse: takes no space on the disk
            if changed is not None:
                stream.seek(changed)
                stream.write(b"x")
        digests.add(content_digest(file))
    assert len(digests) == len(changes)


def test_content_digest_of_mrxs_uses_its_folder(tmp_path: Path) -> None:
    slide, data = tmp_path / "a.mrxs", tmp_path / "a"
    (data / "inner").mkdir(parents=True)
    digests = set()
    for name, content in (("Data0000.dat", b"1"), ("Data0000.dat", b"2"), ("Slidedat.ini", b"3")):
        slide.write_bytes(b"thumbnail")
        (data / name).write_bytes(content)
        digests.add(content_digest(slide))
    slide.write_bytes(b"another")
    assert content_digest(slide) not in digests and len(digests) == 3


@pytest.mark.parametrize(
    ("slide", "content", "part"),
    [
        ("a.vms", "[Virtual Microscope Specimen]\nImageFile=a_0.jpg\nMapFile=none.jpg\n", "a_0.jpg"),
        ("a.vmu", "[Uncompressed Virtual Microscope Specimen]\nImageFile=a_0.l0\n", "a_0.l0"),
    ],
)
def test_content_digest_uses_the_other_files_of_a_slide(
    tmp_path: Path, slide: str, content: str, part: str
) -> None:
    (tmp_path / slide).write_text(content)
    (tmp_path / "unrelated.tif").write_bytes(b"0")
    digests = []
    for change in (part, part, "unrelated.tif"):
        (tmp_path / change).write_bytes(bytes([len(digests)]))
        digests.append(content_digest(tmp_path / slide))
    assert digests[0] != digests[1] == digests[2]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """The files that were read, in a checkout."""
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    found: list[Path] = []
    monkeypatch.setattr(file_digest, "sha256_of", lambda path: (found.append(path), sha256_of(path))[1])
    monkeypatch.setattr(file_digest, "_SETTLED_S", 0.0)
    yield found


def _write(file: Path, change: int | None = None) -> None:
    with file.open("r+b" if file.exists() else "wb") as stream:
        stream.truncate(3 << 20)
        if change is not None:
            stream.seek(change)
            stream.write(b"x")


def test_unchanged_large_file_is_read_once(tmp_path: Path, read: list[Path]) -> None:
    file = tmp_path / "a.tif"
    _write(file)
    assert remembered_sha256(file) == remembered_sha256(Path("a.tif")) == sha256_of(file)
    assert read == [file]


def test_changed_byte_is_found_though_size_and_time_are_set_back(tmp_path: Path, read: list[Path]) -> None:
    file = tmp_path / "a.tif"
    _write(file)
    before, earlier = file.stat(), remembered_sha256(file)
    time.sleep(0.05)  # a step of the file system's clock
    _write(file, 2 << 20)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )
    assert remembered_sha256(file) == sha256_of(file) != earlier
    assert read == [file, file]


def test_file_that_has_just_changed_is_not_remembered(
    tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within one step of the clock it could change again with the same times.
    monkeypatch.setattr(file_digest, "_SETTLED_S", 60.0)
    _write(tmp_path / "a.tif")
    remembered_sha256(tmp_path / "a.tif")
    remembered_sha256(tmp_path / "a.tif")
    assert len(read) == 2


def test_slow_reading_makes_no_recent_change_an_old_one(
    tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "a.tif")
    written = (tmp_path / "a.tif").stat().st_ctime
    # The reading begins a second after the change, and ends when the change is old.
    clock = itertools.chain([written + 1], itertools.repeat(written + 60))
    monkeypatch.setattr(file_digest.time, "time", lambda: next(clock))
    monkeypatch.setattr(file_digest, "_SETTLED_S", 2.0)
    remembered_sha256(tmp_path / "a.tif")
    assert not (tmp_path / "work/digests").exists()


def test_damaged_memory_is_ignored_and_nothing_is_kept_elsewhere(tmp_path: Path, read: list[Path]) -> None:
    file = tmp_path / "a.tif"
    _write(file)
    remembered_sha256(file)
    (entry,) = (tmp_path / "work/digests").iterdir()
    entry.write_text("[")
    assert remembered_sha256(file) == sha256_of(file)
    entry.unlink()
    (tmp_path / "dvc.yaml").unlink()
    remembered_sha256(file)
    assert not entry.exists() and len(read) == 3
