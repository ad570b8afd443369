"""A source is added by one file, as CONTRIBUTING.md says, and changes the code of no other stage."""

import re
from pathlib import Path

from factories.walkthrough import ROOT, apply_chapter, run_script

from pathgen.core import layout
from pathgen.provenance.code_hash import manifests

_COHORT = """cohort:
  source: blank
  root: data/blank
  blank: {grey: 200}
  on_bad_slide: stop
  use_unannotated_tissue: false
"""
_SCRIPT = """
from pathgen.core.params import read_params
from pathgen.core import layout
from pathgen.jobs.settings import JobSettings
from pathgen.patches.parquet import read_table
from pathgen.patches.sampling import sample_cohort
from pathgen.patches.schemas import ROLES
from pathgen.patches.settings import SampleSettings
from pathgen.patches.store import open_patch_set
from pathgen.sources.source_discovery import load_cohort_settings, load_source
from pathgen.sources.extract import extract_cohort
from pathgen.sources.index import index_cohort
from pathgen.wsi.settings import IndexSettings

settings = load_cohort_settings()
index = IndexSettings.model_validate(read_params()["index"])
jobs = JobSettings(folder="work/jobs", workers=1, threads_per_slide=1)
cohort = load_source("blank").find_cohort(settings.folder, settings, index.annotations)
assert index_cohort(cohort, settings, index, layout.INDEX, jobs) == 80
sample = SampleSettings.model_validate(read_params()["sample"] | {
    "per_class": dict.fromkeys(ROLES, 3), "valid_tumor_share": 0.25, "test_tumor_share": 0.25,
})
samples = sample_cohort(cohort, read_table(layout.CANDIDATES), sample)
extract_cohort(cohort, samples, settings, 8, layout.PATCHES, layout.EXTRACTED_SLIDES, jobs)
assert (open_patch_set(layout.TRAIN).images == 200).all()
"""


def test_source_of_one_file_runs_and_changes_no_other_stage(tmp_path: Path) -> None:
    apply_chapter("Add a source", tmp_path)
    (tmp_path / "data/blank").mkdir(parents=True)
    for number in range(4):
        (tmp_path / f"data/blank/slide{number}.dat").write_text(str(number))
    params = (ROOT / "params.yaml").read_text()
    changed, count = re.subn(r"^cohort:\n(?:  .*\n)+", _COHORT, params, flags=re.M)
    assert count == 1
    (tmp_path / "params.yaml").write_text(changed)
    run_script(_SCRIPT, tmp_path)
    before = manifests({"sources": {"phantom": "phantom"}})
    after = manifests({"sources": {"blank": "blank"}}, tmp_path)
    assert "pathgen/sources/blank.py" in after.pop(layout.CODE / "sources/blank.json")["code"]
    assert "pathgen/sources/phantom.py" in before.pop(layout.CODE / "sources/phantom.json")["code"]
    assert after == before and {layout.CODE / f"{name}.json" for name in ("cohort", "extract")} <= set(after)
