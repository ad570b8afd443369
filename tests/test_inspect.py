"""The command that tells of any file what it is and whether the suite can use it."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import Result
from factories.inputs import WRITERS
from factories.slide_files import annotation_settings
from PIL import Image
from typer.testing import CliRunner

from pathgen.cli import app
from pathgen.core.errors import PathgenErrors
from pathgen.core.profiles import read_profile
from pathgen.inspect.probe import ProbeResult, inspect_path
from pathgen.patches.parquet import write_table
from pathgen.patches.schemas import CANDIDATES, empty_table
from pathgen.patches.store import write_patch_set
from pathgen.sources.source_discovery import load_source
from pathgen.training.checkpoint import save_tensors


def usable(path: Path, kind: str) -> dict:
    finding = inspect_path(path)
    assert finding.problem is None
    assert (finding.usable, finding.kind) == (True, kind)
    json.dumps(finding.facts, allow_nan=False)
    return finding.facts


def refused(path: Path, *words: str) -> ProbeResult:
    finding = inspect_path(path)
    assert not finding.usable and finding.problem is not None and finding.facts == {}
    assert len(finding.problem.splitlines()) == 1
    assert [word for word in words if word not in finding.problem] == []
    return finding


@pytest.fixture
def patch_set(tmp_path: Path) -> Path:
    index = pd.DataFrame({"item": range(3), "label": ["normal", "normal", "tumor"]})
    write_patch_set(tmp_path / "set", index, 8, [np.zeros((3, 8, 8, 3), dtype=np.uint8)])
    return tmp_path / "set"


def test_patch_set_is_counted_by_label(patch_set: Path) -> None:
    facts = usable(patch_set, "patch set")
    assert (facts["patches"], facts["side_px"], facts["by_label"]) == (3, 8, {"normal": 2, "tumor": 1})
    assert usable(patch_set / "patches.npy", "patch set") == facts


def write_checkpoint(folder: Path) -> None:
    folder.mkdir()
    save_tensors(folder / "model.safetensors", {"weight": torch.ones(2, 3)})
    (folder / "model.json").write_text('{"kind": "classifier", "classifier": "cnn6"}')


def test_checkpoint_shows_its_model_and_weights(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "model")
    facts = usable(tmp_path / "model", "checkpoint")
    assert facts["model"] == {"kind": "classifier", "classifier": "cnn6"}
    assert facts["weights"]["model.safetensors"]["numbers"] == 6
    assert usable(tmp_path / "model" / "model.safetensors", "weights")["tensors"] == 1


def write_pcam(folder: Path, patches: int, labels: int) -> Path:
    with h5py.File(folder / "camelyonpatch_level_2_split_test_x.h5", "w") as file:
        file["x"] = np.zeros((patches, 96, 96, 3), dtype=np.uint8)
    with h5py.File(folder / "camelyonpatch_level_2_split_test_y.h5", "w") as file:
        file["y"] = (np.arange(labels) % 2).astype(np.uint8).reshape(-1, 1, 1, 1)
    return folder / "camelyonpatch_level_2_split_test_x.h5"


def test_pcam_files_are_read_in_pairs(tmp_path: Path) -> None:
    patches = write_pcam(tmp_path, 5, 5)
    assert usable(patches, "PatchCamelyon file")["shape"] == [5, 96, 96, 3]
    labels = tmp_path / "camelyonpatch_level_2_split_test_y.h5"
    assert usable(labels, "PatchCamelyon file")["by_label"] == {"normal": 3, "tumor": 2}


def write_pictures(folder: Path) -> None:
    for label, colour in (("normal", "white"), ("tumor", "purple")):
        (folder / label).mkdir(parents=True)
        Image.new("RGB", (16, 16), colour).save(folder / label / "slide_1_2.png")


def test_folder_of_labelled_images_is_counted(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images")
    facts = usable(tmp_path / "images", "folder of labelled images")
    assert facts == {"by_label": {"normal": 1, "tumor": 1}, "sides_px": [16]}


PIXELS, WEIGHTS = "set/patches.npy", "model/model.safetensors"
PCAM_X, PCAM_Y = (f"camelyonpatch_level_2_split_test_{array}.h5" for array in "xy")


@pytest.mark.parametrize(
    ("damaged", "kept_bytes", "inspected", "words"),
    [
        (PIXELS, -1, "set", ["patches.npy"]),
        (PIXELS, None, "set", ["patches.npy", "no such file"]),
        ("model/model.json", None, "model", ["model.json"]),
        (WEIGHTS, None, "model", ["model.json"]),
        (WEIGHTS, -1, "model", ["model.safetensors", "damaged"]),
        (WEIGHTS, -1, WEIGHTS, ["damaged"]),
        (PCAM_X, -5000, PCAM_X, ["not readable as HDF5"]),
        (PCAM_Y, None, PCAM_X, [PCAM_Y, "missing"]),
        ("images/tumor/slide_1_2.png", 8, "images", ["slide_1_2.png"]),
        ("images/tumor/slide_1_2.png", 8, "images/tumor/slide_1_2.png", ["not readable as an image"]),
        ("images/tumor/slide_1_2.png", None, "images", ["tumor", "contains no images"]),
    ],
)
def test_inspect_of_damaged_files_names_the_problem(
    patch_set: Path, tmp_path: Path, damaged: str, kept_bytes: int | None, inspected: str, words: list[str]
) -> None:
    write_checkpoint(tmp_path / "model")
    write_pcam(tmp_path, 5, 5)
    write_pictures(tmp_path / "images")
    file = tmp_path / damaged
    content = file.read_bytes()
    file.unlink()
    if kept_bytes is not None:
        file.write_bytes(content[:kept_bytes])
    refused(tmp_path / inspected, *words)


def test_inspect_of_files_that_do_not_fit_names_the_problem(tmp_path: Path) -> None:
    refused(write_pcam(tmp_path, 5, 4), "5 rows", "has 4")
    Image.new("RGB", (16, 9)).save(tmp_path / "wide.png")
    refused(tmp_path / "wide.png", "16 x 9")


def test_tables_are_recognised_by_their_columns(tmp_path: Path) -> None:
    write_table(empty_table(CANDIDATES), tmp_path / "candidates.parquet")
    assert usable(tmp_path / "candidates.parquet", "candidates table")["rows"] == 0
    predictions = {"slide": ["a"], "item": [1], "label": ["tumor"], "score": [0.5], "predicted": ["tumor"]}
    write_table(pd.DataFrame(predictions), tmp_path / "predictions.parquet")
    assert usable(tmp_path / "predictions.parquet", "predictions")["by_label"] == {"tumor": 1}
    write_table(pd.DataFrame({"other": [1]}), tmp_path / "other.parquet")
    refused(tmp_path / "other.parquet", "its columns")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    refused(tmp_path / "cut.parquet", "not readable as parquet")


def test_unknown_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "list.json").write_text("[1]")
    refused(tmp_path / "notes.txt", "no file that the suite knows")
    refused(tmp_path / "list.json", "no file that the suite knows")
    refused(tmp_path, "no folder that the suite knows")
    refused(tmp_path / "absent.svs", "no such file")


def test_geojson_is_an_annotation_by_either_name(tmp_path: Path) -> None:
    ring = [[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"objectType": "annotation", "classification": {"name": "Tumor"}},
    }
    for name in ("lesions.geojson", "lesions.json"):
        (tmp_path / name).write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        facts = usable(tmp_path / name, "annotation")
        assert (facts["lesions"], facts["lesion_area_px"]) == (1, 10_000)


def test_command_prints_facts_or_one_error_line(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "good.png")
    good = CliRunner().invoke(app, ["inspect", str(tmp_path / "good.png")])
    assert good.exit_code == 0 and good.stderr == ""
    assert "picture, usable" in good.stdout and "size px: 16 x 16" in good.stdout
    mixed = CliRunner().invoke(app, ["inspect", str(tmp_path / "good.png"), str(tmp_path / "absent.svs")])
    assert mixed.exit_code == 1
    assert mixed.stdout == f"{good.stdout}1 usable, 1 not usable\n"
    assert mixed.stderr.startswith("error: ") and len(mixed.stderr.splitlines()) == 1


def test_command_prints_json_for_programs(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "good.png")
    paths = [str(tmp_path / "good.png"), str(tmp_path / "absent.svs")]
    answer = CliRunner().invoke(app, ["inspect", "--json", *paths])
    assert answer.exit_code == 1 and answer.stderr == ""
    first, second = json.loads(answer.stdout)
    assert set(first) == {"path", "kind", "usable", "facts", "problem"}
    assert (first["usable"], first["kind"], first["problem"]) == (True, "picture", None)
    assert (second["usable"], second["path"]) == (False, paths[1])


def test_command_prints_its_version() -> None:
    answer = CliRunner().invoke(app, ["--version"])
    assert answer.exit_code == 0 and answer.stdout.startswith("pathgen 0.")


def test_params_file_is_checked_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("report: {title: 3}\n")
    finding = inspect_path(tmp_path / "params.yaml")
    assert finding.kind == "params file" and not finding.usable
    assert finding.problem is not None and "report.title" in finding.problem
    assert all("params.yaml" in line for line in finding.problem.splitlines())


def test_real_files_are_usable(real_data: Path) -> None:
    slide = usable(real_data / "slides" / "CMU-1-Small-Region.svs", "slide")
    assert (slide["size_px"], slide["mpp"], slide["compression"]) == ([2220, 2967], [0.499, 0.499], "JPEG")
    sparse = usable(real_data / "slides" / "tumor_001_sparse_crop.tif", "slide")
    assert (sparse["levels"], sparse["level_sizes_px"][-1]) == (4, [480, 1440])
    annotation = usable(real_data / "annotations" / "tumor_014.xml", "annotation")
    assert annotation["polygons_by_group"] == {"Exclusion": 6, "Tumor": 7}
    images = usable(real_data / "camelyon16_patches_40x", "folder of labelled images")
    assert images["by_label"] == {"normal": 29, "tumor": 28}
    for file in sorted((real_data / "pcam").glob("*.h5")):
        usable(file, "PatchCamelyon file")


def test_every_bad_file_is_one_error_line(real_data: Path) -> None:
    bad = sorted(file for file in (real_data / "bad").iterdir() if file.is_file())
    answer = CliRunner().invoke(app, ["inspect", *map(str, bad)])
    assert answer.exit_code == 1
    lines = answer.stderr.splitlines()
    assert len(lines) == len(bad) >= 8
    for file, line in zip(bad, lines, strict=True):
        assert line.startswith(f"error: {file}: ") and line.endswith(".")


def test_slide_that_is_damaged_inside_is_refused(real_data: Path, tmp_path: Path) -> None:
    content = bytearray((real_data / "slides" / "CMU-1-Small-Region.svs").read_bytes())
    middle = len(content) // 2
    content[middle - 200_000 : middle + 200_000] = bytes(400_000)
    (tmp_path / "damaged.svs").write_bytes(content)
    refused(tmp_path / "damaged.svs", "damaged.svs")


def _lines(answer: Result) -> list[str]:
    return [line for line in answer.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize("source", sorted(WRITERS))
def test_folder_is_judged_as_the_stage_cohort_judges_it(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    settings = WRITERS[source](root)
    monkeypatch.chdir(tmp_path)
    profile = read_profile("phantom")
    cohort = settings.model_dump() | {"root": "root"}
    Path("params.yaml").write_text(json.dumps({"index": profile["index"], "cohort": cohort}))
    good = CliRunner().invoke(app, ["inspect", str(root)])
    assert good.exit_code == 0, good.stderr
    assert f"folder of the source {source}, usable" in good.stdout
    assert good.stdout.splitlines()[-1] == "1 usable, 0 not usable"
    for file in sorted(file for file in root.rglob("*") if file.is_file())[:2]:
        file.write_bytes(b"")
    with pytest.raises(PathgenErrors) as refusal:
        load_source(source).find_cohort(root, settings, annotation_settings())
    bad = CliRunner().invoke(app, ["inspect", str(root)])
    assert bad.exit_code == 1
    assert _lines(bad) == [f"error: {error}" for error in refusal.value.errors]
    assert bad.stdout.splitlines()[-1].startswith("0 usable, 1 not usable")


@pytest.mark.parametrize("source", ["slide_csv", "camelyon16", "pcam"])
def test_folder_of_a_source_is_known_by_its_layout(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    WRITERS[source](tmp_path / "root")
    facts = usable(tmp_path / "root", f"folder of the source {source}")
    assert facts["by_split"] and facts["bytes"] > 0


def test_pcam_folder_counts_labels_by_split(tmp_path: Path) -> None:
    WRITERS["pcam"](tmp_path / "root")
    facts = usable(tmp_path / "root", "folder of the source pcam")
    assert {split: sum(counts.values()) for split, counts in facts["by_split"].items()} == {
        "train": 8,
        "valid": 8,
        "test": 8,
    }
