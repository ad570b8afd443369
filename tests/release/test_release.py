"""What a bundle holds, that programs can read it, and everything that speaks against one."""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fabricated import report_on
from PIL import Image
from releasable import COUNT, LABELS, audit, make_study, write_audit, write_params

import pathgen.release.writer as writing
from pathgen.cli import main
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.torchvision_import import torchvision
from pathgen.export.api import import_patch_set
from pathgen.patches.store import PatchSetWriter, open_patch_set
from pathgen.release.gate import named_in, reasons_against, stale_reasons
from pathgen.release.inputs import Finished, read_finished
from pathgen.release.limits import TOO_NEAR, checks
from pathgen.release.stale import changed_above
from pathgen.release.writer import release, write_bundle
from pathgen.tracking.dvc_api import StageState

FORMS = ("imagefolder", "pcam", "parquet")
WHERE = {"imagefolder": "data", "pcam": "data/pcam", "parquet": "data"}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that may be released; do not change it."""
    return make_study(tmp_path_factory.mktemp("releasable"))


@pytest.fixture(scope="module")
def finished(study: Path) -> Finished:
    """What is read of it."""
    return read_finished(study, "dcgan")


@pytest.fixture
def copy(study: Path, tmp_path: Path) -> Path:
    """The same, to do anything to."""
    return Path(shutil.copytree(study, tmp_path / "study"))


@pytest.fixture(scope="module", params=FORMS)
def bundle(request: pytest.FixtureRequest, study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, in a folder of its form's name."""
    out = tmp_path_factory.mktemp("bundles") / request.param
    write_bundle(read_finished(study, "dcgan"), out, request.param)
    return out


def synthetic(root: Path) -> np.ndarray:
    folders = [root / "data" / "synthetic" / f"dcgan-{label}" for label in LABELS]
    return np.concatenate([open_patch_set(folder).images for folder in folders])


# What is in it


def test_every_file_has_its_checksum(bundle: Path) -> None:
    command = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(command, cwd=bundle, check=False).returncode == 0
    listed = {line.split("  ", 1)[1] for line in (bundle / "SHA256SUMS").read_text().splitlines()}
    there = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert there - listed == {"SHA256SUMS"} and listed <= there
    (bundle.parent / "altered").mkdir()
    altered = shutil.copytree(bundle, bundle.parent / "altered" / bundle.name)
    with (altered / "datasheet.md").open("a") as stream:
        stream.write("!")
    assert subprocess.run(command, cwd=altered, capture_output=True, check=False).returncode == 1


def test_the_set_is_the_one_of_the_study(bundle: Path, study: Path, tmp_path: Path) -> None:
    import_patch_set(bundle / WHERE[bundle.name], tmp_path / "back")
    back = open_patch_set(tmp_path / "back")
    assert np.array_equal(back.images, synthetic(study))
    assert back.index["label"].tolist() == ["normal"] * COUNT + ["tumor"] * COUNT


def test_the_lines_of_the_readme_load_it(bundle: Path, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (bundle / "README.md").read_text(), re.S)
    if bundle.name == "parquet":
        pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed")
    assert torchvision.datasets  # its door first: see pathgen.core.torchvision_import
    monkeypatch.chdir(bundle)
    names: dict[str, object] = {}
    exec(code, names)
    assert len(names["patches"]) == 2 * COUNT  # type: ignore[arg-type]
    if bundle.name != "parquet":
        images = np.stack([np.asarray(image) for image, _ in names["patches"]])  # type: ignore[attr-defined]
        labels = [label for _, label in names["patches"]]  # type: ignore[attr-defined]
        assert np.array_equal(images, synthetic(study)) and labels == [0] * COUNT + [1] * COUNT


_VALIDATE = """
import json, sys
import mlcroissant, numpy
dataset = mlcroissant.Dataset(jsonld="croissant.json")
issues = dataset.metadata.ctx.issues
assert not issues.errors, issues.errors
found = {"warnings": sorted(issues.warnings), "sums": {}}
for records in dataset.metadata.record_sets:
    rows = list(dataset.records(records.id))
    images = [numpy.asarray(row[f"{records.id}/image"]) for row in rows if f"{records.id}/image" in row]
    found[records.id] = [row[f"{records.id}/label"].decode() for row in rows]
    found["sums"][records.id] = int(sum(int(image.sum()) for image in images))
print(json.dumps(found))
"""


def test_croissant_is_valid_and_reads_the_patches(bundle: Path, study: Path) -> None:
    # In a process of its own: rdflib, below it, warns of itself.
    command = [sys.executable, "-W", "ignore", "-c", _VALIDATE]
    done = subprocess.run(command, cwd=bundle, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert all("datePublished" in warning for warning in found.pop("warnings"))
    sums = found.pop("sums")
    assert found and all(sorted(labels) == sorted(["normal", "tumor"] * COUNT) for labels in found.values())
    expected = 0 if bundle.name == "pcam" else int(synthetic(study).astype(np.int64).sum())
    assert sums.get("patches", 0) == expected


def test_the_datasheet_tells_what_is_known_and_what_is_not(bundle: Path) -> None:
    text = (bundle / "datasheet.md").read_text()
    sections = re.findall(r"^## (.+)$", text, re.M)
    assert {"Motivation", "Composition", "Uses", "Distribution", "Maintenance"} < set(sections)
    for said in (
        "140 patches, RGB, 8 bit per channel, 16 x 16 px",
        "20 normal and 20 tumor original patches",
        "from 1 slide (source: phantom)",
        "| tumor | 70 |",
        "67.5% of the original test patches",
        "CC0-1.0",
        "No test on a finite set proves",
        "Not known to this study",
        "It names 4 slides or patients",
    ):
        assert said in text, said
    assert "None" not in re.sub(r"None(:| is missing)", "", text)


def test_what_chose_the_patches_is_told(copy: Path, tmp_path: Path) -> None:
    folder = copy / "data" / "synthetic" / "dcgan-tumor"
    patches = open_patch_set(folder)
    images, index = np.array(patches.images), patches.index.assign(selected_by="discriminator, best of 4")
    with PatchSetWriter(folder, len(images), images.shape[1]) as writer:
        writer.append(images)
        writer.finish(index)
    write_bundle(read_finished(copy, "dcgan"), tmp_path / "out", "parquet")
    text = (tmp_path / "out" / "datasheet.md").read_text()
    assert "tumor: discriminator, best of 4" in text and "| selected_by | what chose" in text


# What must not be in it


def views(content: bytes) -> list[bytes]:
    """Return bytes, pixels of a PNG, and whatever is embedded in a page, a plot or a table."""
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


def test_nothing_of_an_original_and_no_model_is_in_it(bundle: Path, study: Path) -> None:
    assert originals_in(bundle, study) == set()
    names = [path.name for path in bundle.rglob("*")]
    assert not [name for name in names if name.endswith((".safetensors", ".npy")) or "gallery" in name]
    checkpoint = (study / "models" / "gan" / "dcgan-tumor" / "generator.safetensors").read_bytes()
    assert not [path for path in bundle.rglob("*") if path.is_file() and path.read_bytes() == checkpoint]
    assert not list(bundle.parent.glob(".*")) and not list(bundle.rglob(".*"))


def test_the_scan_finds_originals_wherever_they_are(study: Path, tmp_path: Path) -> None:
    report_on(study, tmp_path, patient_pictures=True)
    original = open_patch_set(study / "data" / "patches" / "train").images[3]
    Image.fromarray(original).save(tmp_path / "patch.png")
    (tmp_path / "array.h5").write_bytes(b"head" + original.tobytes())
    cell = {"bytes": (tmp_path / "patch.png").read_bytes(), "path": None}
    pd.DataFrame({"image": [cell]}).to_parquet(tmp_path / "table.parquet")
    expected = {"index.html", "patch.png", "array.h5", "table.parquet"}
    assert originals_in(tmp_path, study) == expected


def test_a_write_that_fails_leaves_nothing(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(writing, "datasheet", full)
    with pytest.raises(OSError, match="disk full"):
        write_bundle(read_finished(study, "dcgan"), tmp_path / "out", "imagefolder")
    assert list(tmp_path.iterdir()) == []


# What speaks against it


def against(study: Finished) -> list[str]:
    return [str(reason) for reason in reasons_against(study)]


def test_nothing_speaks_against_the_made_up_study(finished: Finished) -> None:
    assert against(finished) == []
    assert all(check.kept for check in checks(finished))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (audit(verdict="refused"), "metrics.json: the privacy verdict is: refused"),
        (audit(verdict="leakage found"), "metrics.json: the privacy verdict is: leakage found"),
        (audit() | {"verdict": None}, "verdict is: missing"),
        (audit() | {"verdict": "all is well"}, "verdict is: all is well"),
        (audit(auc=0.66), "max_membership_auc: asks for at most 0.65, but the highest upper end"),
        (audit(near=0.06), "max_too_near: asks for at most 0.05"),
        (audit(looked_at=COUNT - 1), "min_audited: asks for at least 1, but the least share"),
    ],
)
def test_an_audit_can_speak_against_it(finished: Finished, content: dict[str, object], said: str) -> None:
    (reason,) = against(replace(finished, privacy=content))
    assert said in reason


def test_what_was_not_measured_is_not_taken_for_good(finished: Finished) -> None:
    content = audit()
    content["metrics"] = {key: value for key, value in content["metrics"].items() if "normal" not in key}
    incomplete = replace(finished, privacy=content)
    found = against(incomplete)
    assert len(found) == 2 and all("was not measured" in reason for reason in found)
    unasked = {"max_membership_auc": None, "max_too_near": None}
    limits = finished.settings.limits.model_copy(update=unasked)
    settings = finished.settings.model_copy(update={"limits": limits})
    assert against(replace(incomplete, settings=settings)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slide_names": "refuse"}, "index.html: names 4 slides or patients, e.g. made_up_004"),
        ({"licence": None}, "release.licence: is null"),
        ({"licence": "LicenseRef-ours"}, "release.licence: is LicenseRef-ours"),
        ({"licence_file": "gone.txt"}, "release.licence_file: gone.txt is no file"),
    ],
)
def test_settings_can_speak_against_it(finished: Finished, changes: dict[str, object], said: str) -> None:
    (reason,) = against(replace(finished, settings=finished.settings.model_copy(update=changes)))
    assert said in reason


def test_pictures_of_originals_speak_against_it(finished: Finished) -> None:
    report = finished.report.model_copy(update={"patient_pictures": "shown"})
    (reason,) = against(replace(finished, report=report))
    assert "params.yaml: report.patient_pictures: is shown" in reason


@pytest.mark.parametrize("made_from", [{"samples.parquet": "sha256:another"}, None])
def test_a_study_of_an_earlier_state_on_the_page_speaks_against_it(
    copy: Path, made_from: dict[str, str] | None
) -> None:
    file = copy / "results" / "scaling" / "summary.json"
    summary = json.loads(file.read_text())
    file.write_text(json.dumps(summary | {"made_from": made_from}))
    # The page is what is passed on: what lies beside it does not matter.
    assert against(read_finished(copy, "dcgan")) == []
    report_on(copy, copy / "report", patient_pictures=False)
    (reason,) = against(read_finished(copy, "dcgan"))
    assert "index.html: shows scaling, tuning or the like" in reason and "make scaling" in reason


def test_a_worse_classifier_speaks_against_it(copy: Path) -> None:
    for seed in (1, 2, 3):
        file = copy / "results" / "evaluate" / f"synthetic-dcgan-cnn6-{seed}" / "metrics.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"accuracy": 0.5 + 0.04 * seed}))
    (reason,) = against(read_finished(copy, "dcgan"))
    assert "min_accuracy: asks for at least 0.6" in reason and "is 0.58" in reason


@pytest.mark.parametrize("how", [lambda image: image, np.rot90, lambda image: image[:, ::-1]])
def test_a_copy_of_any_original_speaks_against_it(copy: Path, how) -> None:  # type: ignore[no-untyped-def]
    folder = copy / "data" / "synthetic" / "dcgan-tumor"
    patches = open_patch_set(folder)
    images, index = np.array(patches.images), patches.index
    images[5] = how(open_patch_set(copy / "data" / "patches" / "reference").images[7])
    with PatchSetWriter(folder, len(images), images.shape[1]) as writer:
        writer.append(images)
        writer.finish(index)
    (reason,) = against(read_finished(copy, "dcgan"))
    assert "dcgan-tumor: patch 5 is an original patch" in reason and "so are 1 in all" in reason


def test_all_reasons_are_named_at_once_and_nothing_is_written(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_audit(copy, audit(verdict="refused", auc=0.9, near=0.9, looked_at=1))
    write_params(copy, {"report.patient_pictures": "shown", "release.contact": None})
    monkeypatch.setattr(writing, "stale_stages", lambda *_: ["extract", "privacy@dcgan", "report", "sample"])
    with pytest.raises(PathgenErrors) as refused:
        release(copy, "dcgan", tmp_path / "out", "imagefolder")
    assert len(refused.value.errors) == 7
    assert "out of date are extract, privacy@dcgan, report and 1 more" in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_the_command_says_every_reason_and_writes_nothing(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_audit(copy, audit(verdict="leakage found"))
    monkeypatch.chdir(copy)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (copy / "dvc.yaml").touch()
    monkeypatch.setattr(sys, "argv", ["pathgen", "release", "dcgan", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err.splitlines()
    assert ended.value.code == 1 and all(line.startswith("error: ") for line in said)
    assert "is not in a DVC project" in said[0] and "leakage found" in said[1] and len(said) == 2
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_named_at_once(copy: Path) -> None:
    shutil.rmtree(copy / "results" / "privacy")
    shutil.rmtree(copy / "data" / "synthetic" / "dcgan-normal")
    shutil.rmtree(copy / "data" / "patches" / "reference")
    with pytest.raises(PathgenErrors) as refused:
        read_finished(copy, "dcgan")
    assert len(refused.value.errors) == 3
    with pytest.raises(PathgenErrors, match=r"stylegan2: is no generator of the study"):
        read_finished(copy, "stylegan2")


def test_nothing_is_written_over(study: Path, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(PathgenError, match="exists already"):
        release(study, "dcgan", tmp_path, "imagefolder")
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_only_changes_above_the_report_and_the_audit_count() -> None:
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
    assert changed_above(states, targets) == []
    for changes in ({"changed_outs": {"data/patches": "modified"}}, {"changed_command": None}):
        assert changed_above(states | {"extract": state("sample", **changes)}, targets) == ["extract"]
    assert changed_above({}, ["report"]) == ["report"]
    assert stale_reasons([]) == []


def test_names_are_found_as_words_of_their_own() -> None:
    page = 'tumor_001 &amp; a&#39;b <img src="data:image/png;base64,AAAA/secret+AAAA"> n-12'
    assert named_in(page, ["tumor_001", "tumor_00", "a'b", "secret", "12"]) == ["tumor_001", "a'b"]


def test_the_share_too_near_is_one_that_the_audit_records() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert f"`privacy/{{label}}/{TOO_NEAR}`" in page
