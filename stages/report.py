"""Write the report: the result table, plots and one self-contained page."""

from pathlib import Path

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.provenance.code_hash import check_unchanged
from pathgen.report.hashes import file_hashes, result_versions
from pathgen.report.privacy_utility import point_metrics
from pathgen.report.report_page import build_report
from pathgen.report.settings import ReportSettings
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    settings = load_section("report", ReportSettings)
    # The page states one hash for all code, so all of it must be what the stages depend on.
    for manifest in sorted(layout.CODE.rglob("*.json")):
        check_unchanged(manifest)
    hashes, versions = file_hashes(Path()), result_versions()
    points = build_report(Path(), layout.REPORT, settings, hashes=hashes, versions=versions)
    for name in ("index.html", "summary.pdf", "results.md", "results.json"):
        stage.run.artifact(layout.REPORT / name)
    stage.run.metrics(point_metrics(points), 0)


if __name__ == "__main__":
    main()
