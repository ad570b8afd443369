"""One changed byte of an input runs what follows with `make recheck`, and nothing runs without a change."""

import shutil
from pathlib import Path

import pytest
from factories.tiny_study import Study, ran

pytestmark = pytest.mark.timeout(1800)

FOLLOW = {"index", "sample", "extract", "train_original@cnn6", "evaluate", "report"}


def _recheck(study: Study) -> list[str]:
    # Not into the virtual environment of the user: the tests run in their own.
    done = study.run("make", "--old-file=.venv/.ready", "recheck")
    return ran(f"{done.stdout}\n{done.stderr}")


def _would_run(study: Study) -> bool:
    """Run the first command of the recipe, and return whether DVC would run `index` then."""
    study.repro("--force", "cohort")
    return "data/cohort.parquet" in study.run("dvc", "status", "index").stdout


def _change_byte(file: Path, place: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(place)
        byte = stream.read(1)
        stream.seek(place)
        stream.write(bytes([byte[0] ^ 1]))


@pytest.mark.pipeline
def test_one_changed_byte_of_an_input_runs_what_follows(copy: Study, tmp_path: Path) -> None:
    root = tmp_path / "slides"
    root.mkdir()
    phantom, lines = copy.root / "data/phantom", ["slide,label,annotation,split"]
    for slide in sorted(phantom.rglob("*.tif")):
        shutil.copy(slide, root / slide.name)
        outline = next(iter(phantom.rglob(f"{slide.stem}.xml")), None)
        if outline is not None:
            shutil.copy(outline, root / outline.name)
        split = "test" if slide.stem.startswith("test") else ""
        lines.append(
            f"{slide.name},{'tumor' if outline else 'normal'},{outline.name if outline else ''},{split}"
        )
    table = root / "slides.csv"
    table.write_text("\n".join(lines) + "\n")
    settings = {
        "source": "slide_csv",
        "root": str(root),
        "slide_csv": {"table": "slides.csv"},
        "on_bad_slide": "stop",
        "use_unannotated_tissue": False,
    }
    copy.set_params({"cohort": settings})
    copy.repro("index")
    assert not _would_run(copy), "without a change"
    slide, outline = root / "tumor_001.tif", root / "tumor_001.xml"
    with slide.open("ab") as stream:
        stream.write(b"\0")
    assert _would_run(copy)
    copy.repro("index")
    _change_byte(slide, slide.stat().st_size - 1)
    assert _would_run(copy)
    copy.repro("index")
    text = outline.read_bytes()
    outline.write_bytes(text.replace(b"Name=", b"Name =", 1))
    assert _would_run(copy)
    copy.repro("index")
    table.write_text(table.read_text().replace("normal_001.tif,normal,,", "normal_001.tif,normal, ,"))
    assert _would_run(copy)


@pytest.mark.long  # five times as long as other tests of the pipeline
def test_make_recheck_runs_only_what_a_change_concerns(copy: Study) -> None:
    assert _recheck(copy) == ["check_params", "cohort"]
    copy.set_params({"cohort.phantom.seed": 2})
    stages = _recheck(copy)
    assert stages[:2] == ["check_params", "cohort"] and set(stages) >= FOLLOW
