"""Train and judge one point of the scaling experiment on original patches."""

from pathgen.core.errors import cli_errors
from pathgen.studies.scaling.subsets import first_originals
from stages.scaling_training import train_point, wanted_point


@cli_errors()
def main() -> None:
    """Run the stage."""
    wanted = wanted_point(__doc__)
    train_point(
        wanted,
        lambda train, count, _device, _compute, settings: first_originals(
            train.images_by_label(), count, order_seed=settings.training.order_seed, seed=wanted.seed
        ),
    )


if __name__ == "__main__":
    main()
