"""The digest that distinguishes the contents of two slides."""

from pathlib import Path

from pathgen.core.files import sha256_of
from pathgen.sources.cohort_table import content_digest

LARGE = 65 << 20  # More than the 64 MiB up to which a file is read whole.


def test_content_digest_of_small_file_is_its_sha256(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    file.write_bytes(b"slide")
    assert content_digest(file) == sha256_of(file)


def test_content_digest_of_large_file_uses_both_ends_and_size(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    digests = set()
    for size, changed in ((LARGE, None), (LARGE, 0), (LARGE, LARGE - 1), (LARGE + 1, None)):
        with file.open("wb") as stream:
            stream.truncate(size)  # sparse: takes no space on the disk
            if changed is not None:
                stream.seek(changed)
                stream.write(b"x")
        digests.add(content_digest(file))
    assert len(digests) == 4


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
