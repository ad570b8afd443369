"""Put the points of the privacy sweep together: accuracy and the strongest attack against epsilon."""

from pathlib import Path

from pathgen.core.errors import cli_errors
from pathgen.core.params import load_section
from pathgen.gan.settings import TrainGanSettings
from pathgen.provenance.stale import made_from
from pathgen.studies.dp_sweep.curve import build_sweep
from pathgen.studies.dp_sweep.settings import DpSweepSettings
from pathgen.studies.dp_sweep.state import state_names
from stages.context import running
from stages.dp_parent import nest

RESULTS = Path("results/dp_sweep")
POINTS = RESULTS / "points"
PATCHES = [Path("data/patches") / role for role in ("train", "valid", "test", "nonmember", "reference")]


@cli_errors()
def main() -> None:
    """Run the stage."""
    settings = load_section("dp_sweep", DpSweepSettings)
    private = load_section("train_gan", TrainGanSettings).dpdcgan
    with running("dp_curve", settings={"dp_sweep": settings}, inputs=[POINTS, *PATCHES]) as stage:
        parent = nest(stage.run, settings, private)
        summary = build_sweep(
            POINTS,
            settings.points(),
            RESULTS,
            confidence=settings.confidence,
            made_from=made_from(PATCHES, state_names(settings)),
        )
        stage.run.metrics(summary.numbers, 0)
        files = [RESULTS / name for name in ("curve.svg", "curve.csv", "summary.json")]
        for file in files:
            stage.run.artifact(file)
        parent.conclude(summary.numbers, files, "\n\n".join(summary.sentences))


if __name__ == "__main__":
    main()
