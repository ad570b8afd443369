"""Exported patch sets, read by the programs that they are for."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from factories.patch_sets import SIDE, content, write_set, write_synthetic
from factories.slide_files import annotation_settings, source_settings
from PIL import Image
from typer.testing import CliRunner

from pathgen.cli import app
from pathgen.core.errors import PathgenError
from pathgen.core.torchvision_import import torchvision
from pathgen.export import format
from pathgen.export.api import export_patch_set
from pathgen.export.format import WRITERS, FormatName
from pathgen.patches.store import INDEX_FILE, write_patch_set
from pathgen.sources import patch_folder, pcam

SPLIT = {"imagefolder": None, "parquet": None, "pcam": "train"}


@pytest.mark.parametrize("name", WRITERS)
def test_export_twice_gives_the_same_bytes(tmp_path: Path, name: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(format, "BATCH", 10)
    for number, write in enumerate((write_set, write_synthetic)):
        folder = tmp_path / f"set{number}"
        write(folder)
        before = content(folder)
        for out in ("first", "second"):
            export_patch_set(folder, tmp_path / f"{out}{number}", name, SPLIT[name])
        exported = content(tmp_path / f"first{number}")
        assert exported == content(tmp_path / f"second{number}")
        assert before[INDEX_FILE] in exported.values()
        assert content(folder) == before


@pytest.mark.parametrize("name", WRITERS)
def test_export_of_an_empty_set_holds_its_table(tmp_path: Path, name: Any) -> None:
    empty = pd.DataFrame({"item": pd.Series([], dtype="int64"), "label": pd.Series([], dtype=object)})
    write_patch_set(tmp_path / "set", empty, 8, [])
    export_patch_set(tmp_path / "set", tmp_path / "out", name, SPLIT[name])
    assert any(file.endswith(INDEX_FILE) for file in content(tmp_path / "out"))


def test_imagefolder_is_read_by_torchvision(tmp_path: Path) -> None:
    images = write_set(tmp_path / "set")
    export_patch_set(tmp_path / "set", tmp_path / "out", "imagefolder")
    data = torchvision.datasets.ImageFolder(str(tmp_path / "out"))
    assert data.classes == ["normal", "tumor"] and len(data) == len(images)
    labels = pq.read_table(tmp_path / "set" / INDEX_FILE)["label"].to_pylist()
    for path, number in data.samples:
        row = int(Path(path).stem.rsplit("_", 1)[1])
        np.testing.assert_array_equal(np.asarray(Image.open(path)), images[row])
        assert labels[row] == data.classes[number]


def test_imagefolder_escapes_unsafe_slide_names(tmp_path: Path) -> None:
    slides = ["a/b", "../a", ".a", "a%2Fb", "a\n", "\u7247\u4e00" * 6]
    index = pd.DataFrame({"slide": slides, "label": "tumor"})
    write_patch_set(tmp_path / "set", index, 2, [np.zeros((len(slides), 2, 2, 3), np.uint8)])
    export_patch_set(tmp_path / "set", tmp_path / "out", "imagefolder")
    files = [file for file in (tmp_path / "out" / "tumor").iterdir() if not file.name.startswith(".")]
    assert len(files) == len(slides)


def test_imagefolder_is_read_by_source_patch_folder(tmp_path: Path) -> None:
    images = write_set(tmp_path / "set")
    root = tmp_path / "out"
    export_patch_set(tmp_path / "set", root, "imagefolder")
    settings = source_settings(
        "patch_folder", root, patch_folder=dict(slide_pattern=r"^(?P<slide>.+)_\d+\.png$")
    )
    cohort = patch_folder.find_cohort(root, settings, annotation_settings())
    assert cohort["slide"].tolist() == ["tumor_000", "tumor_001", "tumor_002"]
    for row in cohort.to_dict("records"):
        found = patch_folder.find_candidates(root, row, settings, None).candidates  # type: ignore[arg-type]
        read = patch_folder.read_patches(root, found, SIDE, settings, 1).images
        rows = [int(Path(file).stem.rsplit("_", 1)[1]) for file in found["file"]]
        assert {number % 3 for number in rows} == {int(row["slide"][-1])}
        np.testing.assert_array_equal(read, images[rows])


def test_pcam_is_read_by_source_pcam_and_torchvision(tmp_path: Path) -> None:
    root = tmp_path / "pcam"
    images = {}
    for seed, split in enumerate(("train", "valid", "test")):
        images[split] = write_set(tmp_path / split, count=12 + seed, seed=seed, split=split)
        export_patch_set(tmp_path / split, root, "pcam")
    settings = source_settings("pcam", root, pcam=dict(crop_px=SIDE))
    for row in pcam.find_cohort(root, settings, annotation_settings()).to_dict("records"):
        found = pcam.find_candidates(root, row, settings, None).candidates  # type: ignore[arg-type]
        labels = pq.read_table(tmp_path / row["split"] / INDEX_FILE)["label"].to_pylist()
        assert found["label"].tolist() == labels
        read = pcam.read_patches(root, found, SIDE, settings, 1).images
        np.testing.assert_array_equal(read, images[row["split"]])
    for split, theirs in (("train", "train"), ("valid", "val"), ("test", "test")):
        data = torchvision.datasets.PCAM(str(tmp_path), split=theirs)
        assert len(data) == len(images[split])
        picture, number = data[3]
        np.testing.assert_array_equal(np.asarray(picture), images[split][3])
        assert ["normal", "tumor"][number] == pq.read_table(tmp_path / split / INDEX_FILE)["label"][3].as_py()


def test_parquet_holds_the_table_and_the_images(tmp_path: Path) -> None:
    images = write_set(tmp_path / "set")
    export_patch_set(tmp_path / "set", tmp_path / "out", "parquet")
    table = pq.read_table(tmp_path / "out" / "patches.parquet")
    index = pq.read_table(tmp_path / "set" / INDEX_FILE)
    assert table.schema.names == [*index.schema.names, "image"]
    assert table.select(index.schema.names).to_pylist() == index.to_pylist()
    (tmp_path / "one.png").write_bytes(table["image"][5].as_py()["bytes"])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), images[5])


@pytest.mark.parametrize("name", WRITERS)
def test_export_to_existing_files_raises(tmp_path: Path, name: Any) -> None:
    write_set(tmp_path / "set")
    export_patch_set(tmp_path / "set", tmp_path / "out", name)
    before = content(tmp_path / "out")
    with pytest.raises(PathgenError, match="exists already"):
        export_patch_set(tmp_path / "set", tmp_path / "out", name)
    (tmp_path / "file").touch()
    with pytest.raises(PathgenError, match="is no folder"):
        export_patch_set(tmp_path / "set", tmp_path / "file", name)
    assert content(tmp_path / "out") == before


def test_split_is_that_of_the_set_or_required(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "synthetic")
    with pytest.raises(PathgenError, match="--split"):
        export_patch_set(tmp_path / "synthetic", tmp_path / "out", "pcam")
    with pytest.raises(PathgenError, match="does not apply to the format"):
        export_patch_set(tmp_path / "synthetic", tmp_path / "out", "parquet", "test")
    write_set(tmp_path / "set", split="valid")
    export_patch_set(tmp_path / "set", tmp_path / "out", "pcam")
    assert (tmp_path / "out" / "camelyonpatch_level_2_split_valid_x.h5").is_file()


def test_export_command_writes_or_refuses(tmp_path: Path) -> None:
    write_set(tmp_path / "set")
    run, out = CliRunner().invoke, str(tmp_path / "out")
    assert run(app, ["export", str(tmp_path / "set"), out, "--format", "pcam"]).exit_code == 0
    assert run(app, ["export", str(tmp_path / "set"), out, "--format", "pcam"]).exit_code == 1
    assert run(app, ["export", str(tmp_path / "set"), out, "--format", "zip"]).exit_code == 2
    assert set(WRITERS) == set(get_args(FormatName))


def test_export_to_the_current_folder_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path / "set")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(PathgenError, match="no name for a new folder"):
        export_patch_set(Path("../set"), Path(), "parquet")
