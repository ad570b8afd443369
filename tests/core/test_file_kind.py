"""Files that are not what their names say are named as what they are, by every reader."""

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from pathgen.core.errors import PathgenError
from pathgen.core.file_kind import misnamed
from pathgen.inspect.probe import inspect_path
from pathgen.sources.cohort_table import read_csv

PAGE = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"
CONTENTS = {
    "is empty (0 bytes)": b"",
    "begins with 4,096 zero bytes": bytes(5000),
    "is a web page (HTML) that begins with '<!DOCTYPE html>'": PAGE,
    "is a web page (HTML) that begins with '<?xml": b'<?xml version="1.0"?><!-- x --><HTML></HTML>',
    "is a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "is compressed by gzip": gzip.compress(b"content"),
    "or a spreadsheet": b"PK\x03\x04" + bytes(30),
    "is text that begins with 'Quota exceeded'": b"Quota exceeded\r\nfor this file.\r\n",
    "is text that begins with 'Zugriff verweigert: ": "Zugriff verweigert: Schlüssel".encode("latin-1"),
}
SUFFIXES = (".tif", ".svs", ".mrxs", ".dcm", ".xml", ".geojson", ".h5", ".png")


@pytest.mark.parametrize("said", CONTENTS)
def test_every_reader_names_what_a_file_is(tmp_path: Path, said: str) -> None:
    for suffix in SUFFIXES:
        file = tmp_path / f"file{suffix}"
        file.write_bytes(CONTENTS[said])
        problem = inspect_path(file).problem
        assert problem is not None and problem.startswith(f"{file}: ") and "onvert" not in problem
        assert said in problem and len(problem.splitlines()) == 1


@pytest.mark.parametrize("said", [said for said in CONTENTS if "text" not in said])
def test_csv_file_is_named_as_what_it_is(tmp_path: Path, said: str) -> None:
    (tmp_path / "slides.csv").write_bytes(CONTENTS[said])
    with pytest.raises(PathgenError) as caught:
        read_csv(tmp_path / "slides.csv", "Write it")
    assert said in str(caught.value)


def test_files_of_other_kinds_are_named_by_their_content(tmp_path: Path) -> None:
    denied = b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>"
    for name, content, said in (
        ("a.tif", denied, "is XML that begins with"),
        ("a.geojson", denied, "is XML that begins with"),
        ("a.xml", b'\xef\xbb\xbf  {"type": "FeatureCollection", "features": []}', "is JSON that begins"),
        ("a.h5", b'{"message": "rate limit"}', "is JSON that begins"),
        ("b.h5", b"%PDF-1.7\n", "is a PDF document"),
    ):
        (tmp_path / name).write_bytes(content)
        assert said in str(inspect_path(tmp_path / name).problem)


def test_damaged_file_of_the_right_kind_is_called_damaged(tmp_path: Path) -> None:
    """What a file is explains nothing here: the reader's own message stands."""
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros((4, 96, 96, 3), np.uint8)
    (tmp_path / "a.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (tmp_path / "a.xml").write_text("<ASAP_Annotations><Annotations></Annotations></ASAP_Annotations>")
    kinds = {"a.png": "PNG", "a.h5": "HDF5", "a.geojson": "JSON", "a.xml": "XML"}
    for name, kind in kinds.items():
        file = tmp_path / name
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        assert misnamed(file, kind) is None and misnamed(file) is not None
        problem = inspect_path(file).problem
        assert problem is not None and ("truncated" in problem or "not readable" in problem)
    assert misnamed(tmp_path / "absent.tif") is None
