"""What tells one slide's content from another's."""

from pathlib import Path

import pytest

from pathgen.core.files import sha256_of
from pathgen.sources import cohort
from pathgen.sources.cohort import content_digest


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    file.write_bytes(b"slide")
    assert content_digest(file) == sha256_of(file)


def test_of_a_large_file_both_ends_and_the_size_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort, "_WHOLE_BYTES", 64)
    monkeypatch.setattr(cohort, "_MIB", 16)
    file = tmp_path / "a.tif"
    digests = set()
    for content in (bytes(100), b"x" + bytes(99), bytes(99) + b"x", bytes(101)):
        file.write_bytes(content)
        digests.add(content_digest(file))
    assert len(digests) == 4


def test_the_folder_of_an_mrxs_slide_counts(tmp_path: Path) -> None:
    slide, data = tmp_path / "a.mrxs", tmp_path / "a"
    data.mkdir()
    (data / "inner").mkdir()
    digests = set()
    for name, content in (("Data0000.dat", b"1"), ("Data0000.dat", b"2"), ("Slidedat.ini", b"3")):
        slide.write_bytes(b"thumbnail")
        (data / name).write_bytes(content)
        digests.add(content_digest(slide))
    slide.write_bytes(b"another")
    assert content_digest(slide) not in digests and len(digests) == 3
