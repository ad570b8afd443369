"""Content of a bundle, its readability by programs, and the command."""

import base64
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from factories.golden import check_golden
from factories.release import COUNT, changed, release_audit, write_audit, write_params
from factories.study import report_on
from PIL import Image

from pathgen.cli import main
from pathgen.core import layout
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.torchvision_import import torchvision
from pathgen.export.format import FormatName
from pathgen.patches.parquet import read_table
from pathgen.patches.store import open_patch_set
from pathgen.release.gate import changed_stages, named_in
from pathgen.release.limits import TOO_NEAR
from pathgen.release.release_inputs import ReleaseInputs, read_inputs
from pathgen.release.writer import release, write_bundle
from pathgen.tracking.dvc_api import StageState

WHERE: dict[FormatName, str] = {"imagefolder": "data", "pcam": "data/pcam", "parquet": "data"}


@pytest.fixture(scope="module")
def bundles(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one bundle per format."""
    out, inputs = tmp_path_factory.mktemp("bundles"), read_inputs(study, "dcgan")
    for form in WHERE:
        write_bundle(inputs, out / form, form)
    return out


@pytest.fixture(params=WHERE)
def bundle(request: pytest.FixtureRequest, bundles: Path) -> Path:
    """A bundle, in a folder named after its format."""
    return bundles / str(request.param)


def synthetic(root: Path) -> np.ndarray:
    folders = layout.synthetic_sets("dcgan").values()
    return np.concatenate([open_patch_set(root / folder).images for folder in folders])


# Content


def test_bundle_every_file_has_its_checksum(bundle: Path) -> None:
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=bundle, check=False).returncode == 0
    listed = {line.split("  ", 1)[1] for line in (bundle / "SHA256SUMS").read_text().splitlines()}
    there = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert there - listed == {"SHA256SUMS"} and listed <= there


def test_bundle_holds_the_table_and_images_of_the_set(bundle: Path, study: Path) -> None:
    folder = bundle / WHERE[bundle.name]
    (index,) = folder.glob("*index.parquet")
    assert read_table(index)["label"].tolist() == ["normal"] * COUNT + ["tumor"] * COUNT
    if bundle.name == "parquet":
        files = pq.read_table(folder / "patches.parquet")["image"].to_pylist()
        images = [np.asarray(Image.open(io.BytesIO(file["bytes"]))) for file in files]
        assert np.array_equal(np.stack(images), synthetic(study))


def test_readme_code_loads_the_set(bundle: Path, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (bundle / "README.md").read_text(), re.S)
    if bundle.name == "parquet":
        pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")
    assert torchvision.datasets  # imported through pathgen.core.torchvision_import first
    monkeypatch.chdir(bundle)
    names: dict[str, object] = {}
    exec(code, names)
    assert len(names["patches"]) == 2 * COUNT  # type: ignore[arg-type]
    if bundle.name != "parquet":
        images = np.stack([np.asarray(image) for image, _ in names["patches"]])  # type: ignore[attr-defined]
        labels = [label for _, label in names["patches"]]  # type: ignore[attr-defined]
        assert np.array_equal(images, synthetic(study)) and labels == [0] * COUNT + [1] * COUNT


@pytest.mark.filterwarnings("ignore")  # of rdflib
def test_croissant_is_valid_and_reads_the_patches(
    bundles: Path, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlcroissant

    monkeypatch.chdir(bundles)
    found = {}
    for form in WHERE:
        dataset = mlcroissant.Dataset(jsonld=f"{form}/croissant.json")
        issues = dataset.metadata.ctx.issues
        assert not issues.errors
        assert all("datePublished" in warning for warning in issues.warnings)
        for name in (records.id for records in dataset.metadata.record_sets):
            rows = list(dataset.records(name))
            total = sum(np.asarray(row[f"{name}/image"]).sum() for row in rows if f"{name}/image" in row)
            found[f"{form}/{name}"] = sorted(row[f"{name}/label"].decode() for row in rows), total
    labels = ["normal"] * COUNT + ["tumor"] * COUNT
    pictures, table = (labels, synthetic(study).sum(dtype=np.int64)), (labels, 0)
    expected = {"imagefolder/patches": pictures, "imagefolder/index": table, "parquet/patches": pictures}
    assert found == expected | {"pcam/index": table}


def test_datasheet_is_the_golden_one(bundle: Path) -> None:
    text = (bundle / "datasheet.md").read_text()
    text = re.sub(r"^pathgen \d.*$", "VERSIONS", text, flags=re.M)
    text = re.sub(r"```yaml.*?```", "SETTINGS", text, flags=re.S)
    assert "None" not in re.sub(r"None(:| is missing)", "", text)
    check_golden("datasheet.md", text)


def test_datasheet_names_what_selected_the_patches(finished: ReleaseInputs, tmp_path: Path) -> None:
    chosen = {"normal": None, "tumor": "discriminator, best of 4"}
    write_bundle(changed(finished, audit={"selected_by": chosen}), tmp_path / "out", "parquet")
    assert "tumor: discriminator, best of 4" in (tmp_path / "out" / "datasheet.md").read_text()


# Content that must be absent


def views(content: bytes) -> list[bytes]:
    """Return bytes, the pixels of a PNG, and whatever is embedded in a page, a plot or a table."""
    found = [content]
    if content.startswith(b"\x89PNG"):
        found.append(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).tobytes())
    if content.startswith(b"PAR1"):
        frame = pd.read_parquet(io.BytesIO(content))
        for cell in frame.get("image", []):
            found += views(cell["bytes"])
    for embedded in re.findall(rb"base64,([A-Za-z0-9+/=]{100,})", content):
        found += views(base64.b64decode(embedded))
    return found


def originals_in(folder: Path, study: Path) -> set[str]:
    """Name the files of a folder that hold a row of pixels of an original patch."""
    sets = [open_patch_set(path).images for path in sorted((study / "data" / "patches").glob("*"))]
    rows = [image[side].tobytes() for images in sets for image in images for side in (0, len(image) // 2)]
    assert len(set(rows)) == len(rows) > 300
    return {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(row in seen for seen in views(path.read_bytes()) for row in rows)
    }


def test_bundle_holds_no_original_and_no_model(bundle: Path, study: Path) -> None:
    assert originals_in(bundle, study) == set()
    names = [path.name for path in bundle.rglob("*")]
    assert not [name for name in names if name.endswith((".safetensors", ".npy")) or "gallery" in name]
    checkpoint = (study / layout.gan_model("dcgan", "tumor") / "generator.safetensors").read_bytes()
    assert not [path for path in bundle.rglob("*") if path.is_file() and path.read_bytes() == checkpoint]
    assert not list(bundle.parent.glob(".*")) and not list(bundle.rglob(".*"))


def test_scan_finds_originals_in_every_kind_of_file(study: Path, tmp_path: Path) -> None:
    report_on(study, tmp_path, patient_pictures=True)
    original = open_patch_set(study / "data" / "patches" / "train").images[3]
    Image.fromarray(original).save(tmp_path / "patch.png")
    (tmp_path / "array.h5").write_bytes(b"head" + original.tobytes())
    cell = {"bytes": (tmp_path / "patch.png").read_bytes(), "path": None}
    pd.DataFrame({"image": [cell]}).to_parquet(tmp_path / "table.parquet")
    expected = {"index.html", "patch.png", "array.h5", "table.parquet"}
    assert originals_in(tmp_path, study) == expected


def test_bundle_that_cannot_be_finished_leaves_nothing(finished: ReleaseInputs, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        study = changed(finished, settings={"licence_file": "missing.txt"})
        write_bundle(study, tmp_path / "out", "imagefolder")
    assert list(tmp_path.iterdir()) == []


# Reasons against a release


def test_release_command_prints_every_reason_and_writes_nothing(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_audit(copy, release_audit("refused", covered=1, auc=0.9, near=0.9))
    write_params(copy, {"report.patient_pictures": "shown", "release.contact": None})
    (copy / "dvc.yaml").touch()
    monkeypatch.chdir(copy)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setattr(sys, "argv", ["pathgen", "release", "dcgan", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == 1 and all(line.startswith("error: ") for line in said)
    assert "DVC" in said[0] and len(said) == 7
    assert not (tmp_path / "out").exists()


def test_inputs_missing_are_named_at_once(copy: Path) -> None:
    shutil.rmtree(copy / "results" / "privacy")
    shutil.rmtree(copy / layout.synthetic_set("dcgan", "normal"))
    shutil.rmtree(copy / "data" / "patches" / "reference")
    with pytest.raises(PathgenErrors) as refused:
        read_inputs(copy, "dcgan")
    assert len(refused.value.errors) == 3
    with pytest.raises(PathgenErrors, match="stylegan2"):
        read_inputs(copy, "stylegan2")


def test_release_into_a_used_folder_is_refused(study: Path, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(PathgenError, match=r"exists"):
        release(study, "dcgan", tmp_path, "imagefolder")
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_stale_stages_are_those_above_report_and_audit() -> None:
    def state(*reads_from: str, **changes: object) -> StageState:
        return StageState(reads_from, {kind.replace("_", " "): what for kind, what in changes.items()})

    states = {
        "sample": state(changed_deps={"data/slides": "deleted"}),
        "extract": state("sample"),
        "privacy@dcgan": state("extract"),
        "privacy@other": state("extract", changed_command=None),
        "report": state("privacy@dcgan"),
    }
    targets = ["report", "privacy@dcgan"]
    assert changed_stages(states, targets) == []
    for changes in ({"changed_outs": {"data/patches": "modified"}}, {"changed_command": None}):
        assert changed_stages(states | {"extract": state("sample", **changes)}, targets) == ["extract"]
    assert changed_stages({}, ["report"]) == ["report"]


def test_names_are_found_as_whole_words() -> None:
    page = 'tumor_001 &amp; a&#39;b <img src="data:image/png;base64,AAAA/secret+AAAA"> n-12'
    assert named_in(page, ["tumor_001", "tumor_00", "a'b", "secret", "12"]) == ["tumor_001", "a'b"]


def test_share_too_near_is_a_documented_metric() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert f"`privacy/{{label}}/{TOO_NEAR}`" in page
