"""A bad slide is refused in one line, before anything else runs."""

import shutil

import pytest
from factories.tiny_study import ran

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


def test_bad_slide_stops_the_study_before_any_output(copy, tmp_path):
    root = tmp_path / "slides"
    root.mkdir()
    phantom = copy.root / "data/phantom/training"
    shutil.copy(phantom / "normal/normal_001.tif", root / "whole.tif")
    content = (phantom / "tumor/tumor_001.tif").read_bytes()
    (root / "truncated.tif").write_bytes(content[: len(content) // 2])
    (root / "slides.csv").write_text("slide,label\nwhole.tif,normal\ntruncated.tif,normal\n")
    cohort = {
        "source": "slide_csv",
        "root": str(root),
        "slide_csv": {"table": "slides.csv"},
        "on_bad_slide": "stop",
        "use_unannotated_tissue": False,
    }
    copy.set_params({"cohort": cohort})
    output = copy.repro(succeeds=False)
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].startswith(f"error: {root / 'truncated.tif'}: ")
    assert ran(output) == ["check_params", "cohort"]
    assert "Traceback" not in output
    assert not (copy.root / "data/cohort.parquet").exists()
    assert [path for path in (copy.root / "data").rglob("*.partial")] == []
