"""Write sets with a known answer that stand in place of a synthetic one."""

from itertools import product

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.gan.settings import SynthesiseSettings
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import open_patch_set
from pathgen.run_matrix import PipelineSettings
from pathgen.verdict.control_sets import write_control_set
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage) -> None:
    """Run the stage."""
    pipeline = load_section("pipeline", PipelineSettings)
    settings = load_section("synthesise", SynthesiseSettings)
    train, fresh = open_patch_set(layout.TRAIN), open_patch_set(layout.FRESH)
    layout.CONTROLS.mkdir(parents=True, exist_ok=True)
    for control, label in product(pipeline.controls, LABELS):
        folder = layout.control_set(control, label)
        write_control_set(
            folder,
            control,
            train.of_label(label),
            fresh.of_label(label),
            label=label,
            count=settings.per_class,
            seed=settings.seed,
        )
        stage.run.image(f"{control}/{label}", patch_grid(open_patch_set(folder).images[:64], 8, scale=2), 0)


if __name__ == "__main__":
    main()
