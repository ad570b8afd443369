"""Fit the curves of the scaling experiment and say what they show."""

from pathlib import Path

from pathgen.core.errors import cli_errors
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.provenance.stale import made_from
from pathgen.studies.scaling.curve import build_curves
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.scaling.state import state_names
from stages.context import running
from stages.scaling_parent import nest

RESULTS = Path("results/scaling")
POINTS = RESULTS / "points"
PATCHES = [Path("data/patches") / role for role in ("train", "valid", "test")]


@cli_errors()
def main() -> None:
    """Run the stage."""
    settings = load_section("scaling", ScalingSettings)
    models = [Path("models/gan") / f"{name}-{label}" for name in settings.generators for label in LABELS]
    with running("scaling_curve", settings={"scaling": settings}, inputs=[POINTS, *PATCHES]) as stage:
        parent = nest(stage.run, settings)
        summary = build_curves(
            POINTS,
            sorted(settings.points()),
            RESULTS,
            confidence=settings.confidence,
            bootstrap=settings.bootstrap,
            made_from=made_from([*PATCHES, *models], state_names(settings)),
        )
        stage.run.metrics(summary.numbers, 0)
        files = [RESULTS / name for name in ("curve.svg", "curve.csv", "fit.json", "summary.json")]
        for file in files:
            stage.run.artifact(file)
        parent.conclude(summary.numbers, files, "\n\n".join(summary.sentences))


if __name__ == "__main__":
    main()
