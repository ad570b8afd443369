"""Draw the synthetic patches of one class."""

import argparse

from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.gan.export import keep_synthetic
from pathgen.gan.settings import SynthesiseSettings
from pathgen.gan.synthesis import Arithmetic
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import open_patch_set
from pathgen.training.compute import apply_compute
from pathgen.training.settings import ComputeSettings
from stages.context import running


@cli_errors()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--label", required=True, choices=LABELS)
    wanted = parser.parse_args()
    model, folder = (
        layout.gan_model(wanted.generator, wanted.label),
        layout.synthetic_set(wanted.generator, wanted.label),
    )
    settings = load_section("synthesise", SynthesiseSettings)
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    with running(
        "synthesise",
        settings={"synthesise": settings, "compute": compute},
        inputs=[model],
        item={"generator": wanted.generator, "label": wanted.label},
    ) as stage:
        keep_synthetic(
            layout.SAMPLE_CACHE,
            model,
            folder,
            generator=wanted.generator,
            label=wanted.label,
            seed=settings.seed,
            per_class=settings.per_class,
            batch_size=settings.batch_size,
            device=device,
            best_of=settings.best_of,
            drawing=settings.drawing(wanted.generator),
            arithmetic=Arithmetic(compute.precision, compute.channels_last),
        )
        grid = patch_grid(open_patch_set(folder).images[:64], 8, scale=2)
        stage.run.image(f"synthetic/{wanted.label}", grid, 0)


if __name__ == "__main__":
    main()
