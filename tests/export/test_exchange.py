"""Patch sets in other forms and back."""

import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from exchange_sets import SIDE, content, write_set, write_synthetic
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from pathgen.cli import app
from pathgen.core.errors import PathgenError
from pathgen.core.torchvision_import import torchvision
from pathgen.export import api, format
from pathgen.export.api import FORMS, export_patch_set, import_patch_set
from pathgen.patches.store import INDEX_FILE, PIXELS_FILE, PatchSetWriter
from pathgen.sources import patch_folder as patches_source
from pathgen.sources import pcam as pcam_source
from pathgen.sources.settings import CohortSettings

SPLIT = {"imagefolder": None, "parquet": None, "pcam": "train"}


@pytest.mark.parametrize("name", FORMS)
def test_the_way_there_and_back_keeps_every_byte(tmp_path: Path, name: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(format, "BATCH", 10)
    for number, write in enumerate((write_set, write_synthetic)):
        folder, out = tmp_path / f"set{number}", tmp_path / f"{name}{number}"
        write(folder)
        before = content(folder)
        export_patch_set(folder, out, name, SPLIT[name])
        import_patch_set(out, tmp_path / f"back{number}")
        assert content(tmp_path / f"back{number}") == before == content(folder)
        # Exported again, it is the same export.
        export_patch_set(tmp_path / f"back{number}", tmp_path / f"again{number}", name, SPLIT[name])
        assert content(tmp_path / f"again{number}") == content(out)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    slides=st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=6),
    side=st.integers(1, 9),
    seed=st.integers(0, 99),
    name=st.sampled_from(list(FORMS)),
)
@example(slides=["a/b", "../a", ".a", "a%2Fb", "a\n", "\u7247\u4e00" * 6], side=2, seed=0, name="imagefolder")
def test_any_slide_name_and_side_come_back(
    tmp_path_factory: Any, slides: list[str], side: int, seed: int, name: Any
) -> None:
    slides = [slide.encode("utf-8", "ignore").decode() or "x" for slide in slides]
    folder = tmp_path_factory.mktemp("any")
    rng = np.random.default_rng(seed)
    with PatchSetWriter(folder / "set", len(slides), side) as writer:
        writer.append(rng.integers(0, 256, (len(slides), side, side, 3), dtype=np.uint8))
        labels = rng.choice(["normal", "tumor"], len(slides))
        writer.finish(pd.DataFrame({"slide": slides, "label": labels}))
    export_patch_set(folder / "set", folder / "out", name, "valid" if name == "pcam" else None)
    import_patch_set(folder / "out", folder / "back")
    assert content(folder / "back") == content(folder / "set")


@pytest.mark.parametrize("name", FORMS)
def test_a_set_without_patches_comes_back(tmp_path: Path, name: Any) -> None:
    with PatchSetWriter(tmp_path / "set", 0, 8) as writer:
        writer.finish(
            pd.DataFrame({"item": pd.Series([], dtype="int64"), "label": pd.Series([], dtype=object)})
        )
    export_patch_set(tmp_path / "set", tmp_path / "out", name, SPLIT[name])
    import_patch_set(tmp_path / "out", tmp_path / "back")
    assert content(tmp_path / "back") == content(tmp_path / "set")


def test_torchvision_reads_the_folders(tmp_path: Path) -> None:
    images = write_set(tmp_path / "set")
    export_patch_set(tmp_path / "set", tmp_path / "out", "imagefolder")
    data = torchvision.datasets.ImageFolder(str(tmp_path / "out"))
    assert data.classes == ["normal", "tumor"] and len(data) == len(images)
    labels = pq.read_table(tmp_path / "set" / INDEX_FILE)["label"].to_pylist()
    for path, number in data.samples:
        row = int(Path(path).stem.rsplit("_", 1)[1])
        np.testing.assert_array_equal(np.asarray(Image.open(path)), images[row])
        assert labels[row] == data.classes[number]


def _cohort(root: Path, source: str, **part: Any) -> CohortSettings:
    plain = dict(source=source, root=str(root), on_bad_slide="stop", use_unannotated_tissue=False)
    return CohortSettings.model_validate({**plain, source: part})


def test_our_source_reads_the_folders(tmp_path: Path) -> None:
    images = write_set(tmp_path / "set")
    root = tmp_path / "out"
    export_patch_set(tmp_path / "set", root, "imagefolder")
    settings = _cohort(root, "patch_folder", slide_pattern=r"^(?P<slide>.+)_\d+\.png$")
    cohort = patches_source.find_cohort(root, settings)
    assert cohort["slide"].tolist() == ["tumor_000", "tumor_001", "tumor_002"]
    for row in cohort.to_dict("records"):
        found = patches_source.find_candidates(root, row, settings, None).candidates  # type: ignore[arg-type]
        read = patches_source.read_patches(root, found, SIDE, settings, 1).images
        rows = [int(Path(file).stem.rsplit("_", 1)[1]) for file in found["file"]]
        assert {number % 3 for number in rows} == {int(row["slide"][-1])}
        np.testing.assert_array_equal(read, images[rows])


def test_our_source_and_torchvision_read_the_three_splits(tmp_path: Path) -> None:
    root = tmp_path / "pcam"
    images = {}
    for seed, split in enumerate(("train", "valid", "test")):
        images[split] = write_set(tmp_path / split, count=12 + seed, seed=seed, split=split)
        export_patch_set(tmp_path / split, root, "pcam")
    settings = _cohort(root, "pcam", crop_px=SIDE)
    for row in pcam_source.find_cohort(root, settings).to_dict("records"):
        found = pcam_source.find_candidates(root, row, settings, None).candidates  # type: ignore[arg-type]
        labels = pq.read_table(tmp_path / row["split"] / INDEX_FILE)["label"].to_pylist()
        assert found["label"].tolist() == labels
        read = pcam_source.read_patches(root, found, SIDE, settings, 1).images
        np.testing.assert_array_equal(read, images[row["split"]])
    for split, theirs in (("train", "train"), ("valid", "val"), ("test", "test")):
        data = torchvision.datasets.PCAM(str(tmp_path), split=theirs)
        assert len(data) == len(images[split])
        picture, number = data[3]
        np.testing.assert_array_equal(np.asarray(picture), images[split][3])
        assert ["normal", "tumor"][number] == pq.read_table(tmp_path / split / INDEX_FILE)["label"][3].as_py()
    with pytest.raises(PathgenError, match="holds several exports"):
        import_patch_set(root, tmp_path / "back")
    import_patch_set(root, tmp_path / "back", "valid")
    assert content(tmp_path / "back") == content(tmp_path / "valid")


def test_a_table_of_pictures(tmp_path: Path) -> None:
    images = write_set(tmp_path / "set")
    export_patch_set(tmp_path / "set", tmp_path / "out", "parquet")
    table = pq.read_table(tmp_path / "out" / "patches.parquet")
    index = pq.read_table(tmp_path / "set" / INDEX_FILE)
    assert table.schema.names == [*index.schema.names, "image"]
    assert table.select(index.schema.names).to_pylist() == index.to_pylist()
    (tmp_path / "one.png").write_bytes(table["image"][5].as_py()["bytes"])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), images[5])


@pytest.mark.parametrize("name", FORMS)
def test_nothing_is_written_over(tmp_path: Path, name: Any) -> None:
    write_set(tmp_path / "set")
    export_patch_set(tmp_path / "set", tmp_path / "out", name)
    before = content(tmp_path / "out")
    with pytest.raises(PathgenError, match="exists already"):
        export_patch_set(tmp_path / "set", tmp_path / "out", name)
    with pytest.raises(PathgenError, match="exists already"):
        import_patch_set(tmp_path / "out", tmp_path / "set")
    (tmp_path / "file").touch()
    with pytest.raises(PathgenError, match="is no folder"):
        export_patch_set(tmp_path / "set", tmp_path / "file", name)
    assert content(tmp_path / "out") == before
    (tmp_path / "empty").mkdir()
    import_patch_set(tmp_path / "out", tmp_path / "empty")
    assert content(tmp_path / "empty") == content(tmp_path / "set")


@pytest.mark.parametrize("name", FORMS)
def test_an_error_on_the_way_leaves_nothing(tmp_path: Path, name: Any, monkeypatch: Any) -> None:
    write_set(tmp_path / "set")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(api, "write_manifest", full)
    with pytest.raises(OSError):
        export_patch_set(tmp_path / "set", tmp_path / "out", name)
    assert content(tmp_path).keys() == {f"set/{PIXELS_FILE}", f"set/{INDEX_FILE}"}


def _png(image: np.ndarray, path: Path) -> None:
    Image.fromarray(image).save(path)


def _damage(folder: Path, what: str) -> str:
    """Damage one file of an export; return what the message must begin with."""
    picture = sorted((folder / "tumor").glob("*.png"))[3] if (folder / "tumor").is_dir() else folder
    x, y = (folder / f"camelyonpatch_level_2_split_train_{array}.h5" for array in "xy")
    table = folder / "patches.parquet"
    match what:
        case "cut picture":
            picture.write_bytes(picture.read_bytes()[:-300])
        case "altered picture":
            pixels = np.asarray(Image.open(picture)).copy()
            pixels[3, 4, 1] ^= 1
            _png(pixels, picture)
        case "other picture":
            _png(np.zeros((4, 4, 3), np.uint8), picture)
        case "missing picture":
            picture.unlink()
        case "cut array":
            x.write_bytes(x.read_bytes()[:-1000])
            return str(x)
        case "altered array":
            with h5py.File(x, "r+") as file:
                file["x"][17, 3, 4, 1] ^= 1
            return f"{x}, row 17"
        case "altered label":
            with h5py.File(y, "r+") as file:
                file["y"][5] = 1 - file["y"][5]
            return str(y)
        case "other array":
            shutil.copyfile(y, x)
            return str(x)
        case "missing array":
            x.unlink()
            return str(x)
        case "cut table":
            table.write_bytes(table.read_bytes()[:-1000])
            return str(table)
        case "altered table":
            pq.write_table(pq.read_table(table).slice(1), table)
            return str(table)
        case "swapped rows":
            whole = pq.read_table(table)
            pq.write_table(whole.take([1, 0, *range(2, len(whole))]), table)
            return str(table)
        case "missing table":
            table.unlink()
            return str(table)
    return str(picture)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        *(("imagefolder", f"{kind} picture") for kind in ("cut", "altered", "other", "missing")),
        *(("pcam", f"{kind} array") for kind in ("cut", "altered", "other", "missing")),
        ("pcam", "altered label"),
        *(("parquet", f"{kind} table") for kind in ("cut", "altered", "missing")),
        ("parquet", "swapped rows"),
    ],
)
def test_damaged_files_are_named_and_nothing_is_made(tmp_path: Path, name: Any, what: str) -> None:
    write_set(tmp_path / "set")
    export_patch_set(tmp_path / "set", tmp_path / "out", name)
    named = _damage(tmp_path / "out", what)
    with pytest.raises(PathgenError) as caught:
        import_patch_set(tmp_path / "out", tmp_path / "back")
    assert caught.value.subject == named
    assert "\n" not in str(caught.value) and not (tmp_path / "back").exists()


def test_damaged_descriptions_are_named(tmp_path: Path) -> None:
    write_set(tmp_path / "set")
    out = tmp_path / "out"
    export_patch_set(tmp_path / "set", out, "parquet")
    index, manifest = out / INDEX_FILE, out / "export.json"
    told = json.loads(manifest.read_text())
    for changed in ({"patches": 3}, {"format": "zip"}, {"more": 1}):
        manifest.write_text(json.dumps(told | changed))
        with pytest.raises(PathgenError, match="does not describe an export"):
            import_patch_set(out, tmp_path / "back")
    manifest.write_text(json.dumps(told)[:100])
    with pytest.raises(PathgenError, match="does not describe an export"):
        import_patch_set(out, tmp_path / "back")
    manifest.write_text(json.dumps(told))
    index.write_bytes(index.read_bytes() + b"x")
    with pytest.raises(PathgenError, match="is not the table that was exported"):
        import_patch_set(out, tmp_path / "back")
    index.unlink()
    with pytest.raises(PathgenError, match=r"index\.parquet: no such file"):
        import_patch_set(out, tmp_path / "back")
    manifest.unlink()
    with pytest.raises(PathgenError, match="holds no export"):
        import_patch_set(out, tmp_path / "back")


def test_the_split_is_the_sets_own_or_must_be_said(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "synthetic")
    with pytest.raises(PathgenError, match="--split"):
        export_patch_set(tmp_path / "synthetic", tmp_path / "out", "pcam")
    with pytest.raises(PathgenError, match="does not go with the format"):
        export_patch_set(tmp_path / "synthetic", tmp_path / "out", "parquet", "test")
    write_set(tmp_path / "set", split="valid")
    export_patch_set(tmp_path / "set", tmp_path / "out", "pcam")
    assert (tmp_path / "out" / "camelyonpatch_level_2_split_valid_x.h5").is_file()


def test_the_commands(tmp_path: Path) -> None:
    write_set(tmp_path / "set")
    run = CliRunner().invoke
    out = str(tmp_path / "out")
    assert run(app, ["export", str(tmp_path / "set"), out, "--format", "pcam"]).exit_code == 0
    assert run(app, ["import", out, str(tmp_path / "back")]).exit_code == 0
    assert content(tmp_path / "back") == content(tmp_path / "set")
    again = run(app, ["import", out, str(tmp_path / "back")])
    assert again.exit_code == 1 and f"error: {tmp_path / 'back'}" in again.output
    assert run(app, ["export", str(tmp_path / "set"), out, "--format", "zip"]).exit_code == 2
    from typing import get_args

    from pathgen.cli import _Form
    from pathgen.export.manifest import FormatName

    assert set(_Form) == set(FORMS) == set(get_args(FormatName))


def test_the_folder_at_hand_is_no_name_for_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path / "set")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(PathgenError, match="no name for a new folder"):
        export_patch_set(Path("../set"), Path(), "parquet")
