"""Fit the curves of the scaling experiment and say what they show."""

from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.params import load_section
from pathgen.provenance.stale import made_from
from pathgen.studies.scaling.curve import build_curves
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.scaling.state import state_names
from stages.context import running
from stages.scaling_parent import nest

POINTS = layout.SCALING / "points"
PATCHES = [layout.TRAIN, layout.VALID, layout.TEST]


@cli_errors()
def main() -> None:
    """Run the stage."""
    settings = load_section("scaling", ScalingSettings)
    models = [folder for name in settings.generators for folder in layout.gan_models(name).values()]
    with running("scaling_curve", settings={"scaling": settings}, inputs=[POINTS, *PATCHES]) as stage:
        parent = nest(stage.run, settings)
        summary = build_curves(
            POINTS,
            sorted(settings.points()),
            layout.SCALING,
            confidence=settings.confidence,
            bootstrap=settings.bootstrap,
            made_from=made_from([*PATCHES, *models], state_names(settings)),
        )
        stage.run.metrics(summary.numbers, 0)
        files = [layout.SCALING / name for name in ("curve.svg", "curve.csv", "fit.json", "summary.json")]
        for file in files:
            stage.run.artifact(file)
        parent.conclude(summary.numbers, files, "\n\n".join(summary.sentences))


if __name__ == "__main__":
    main()
