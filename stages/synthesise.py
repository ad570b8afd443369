"""Draw the synthetic patches of one class."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.gan.export import keep_synthetic
from pathgen.gan.settings import SynthesiseSettings
from pathgen.gan.synthesis import Arithmetic
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import open_patch_set
from pathgen.training.compute import start_compute
from stages.context import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage, *, generator: str, label: str) -> None:
    """Run the stage."""
    model, folder = (
        layout.gan_model(generator, label),
        layout.synthetic_set(generator, label),
    )
    settings = load_section("synthesise", SynthesiseSettings)
    device, compute = start_compute()
    keep_synthetic(
        layout.SAMPLE_CACHE,
        model,
        folder,
        generator=generator,
        label=label,
        seed=settings.seed,
        per_class=settings.per_class,
        batch_size=settings.batch_size,
        device=device,
        best_of=settings.best_of,
        drawing=settings.drawing(generator),
        arithmetic=Arithmetic(compute.precision, compute.channels_last),
    )
    grid = patch_grid(open_patch_set(folder).images[:64], 8, scale=2)
    stage.run.image(f"synthetic/{label}", grid, 0)


if __name__ == "__main__":
    main()
