"""Sample the synthetic patches of all replicates of one generator, for each label."""

from itertools import product

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.gan.export import write_synthetic_set
from pathgen.gan.generators.interface import Precision
from pathgen.gan.settings import SynthesiseSettings
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import open_patch_set
from pathgen.run_matrix import PipelineSettings
from pathgen.training.compute import start_compute
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage, *, generator: str) -> None:
    """Run the stage."""
    settings = load_section("synthesise", SynthesiseSettings)
    device, compute = start_compute()
    pipeline = load_section("pipeline", PipelineSettings)
    for replicate, label in product(pipeline.all_replicates, LABELS):
        folder = layout.synthetic_set(generator, label, replicate)
        write_synthetic_set(
            layout.SAMPLE_CACHE,
            layout.gan_model(generator, label, replicate),
            folder,
            generator=generator,
            label=label,
            settings=settings,
            device=device,
            precision=Precision(compute.precision, compute.channels_last),
        )
        grid = patch_grid(open_patch_set(folder).images[:64], 8, scale=2)
        stage.run.image(f"synthetic/{label}", grid, replicate)


if __name__ == "__main__":
    main()
