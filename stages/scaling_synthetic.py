"""Train and judge one point of the scaling experiment on patches drawn from a generator."""

from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.params import load_section
from pathgen.gan.sample_cache import drawn_patches
from pathgen.gan.settings import SynthesiseSettings
from pathgen.gan.synthesis import Arithmetic
from stages.scaling_training import train_point, wanted_point


@cli_errors()
def main() -> None:
    """Run the stage."""
    wanted = wanted_point(__doc__)
    settings = load_section("synthesise", SynthesiseSettings)
    models = layout.gan_models(wanted.source)
    train_point(
        wanted,
        # From the store that the stage `synthesise` draws into: no patch is drawn twice.
        lambda _train, count, device, compute, _settings: {
            label: drawn_patches(
                layout.SAMPLE_CACHE,
                model,
                seed=settings.seed,
                count=count,
                device=device,
                best_of=settings.best_of,
                drawing=settings.drawing(wanted.source),
                arithmetic=Arithmetic(compute.precision, compute.channels_last),
                what=f"draw {model.name}",
            )
            for label, model in models.items()
        },
        inputs=list(models.values()),
    )


if __name__ == "__main__":
    main()
