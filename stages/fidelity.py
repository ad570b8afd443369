"""Measure how similar synthetic and original patches are, for each replicate of a generator."""

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.metrics.fidelity.measure import measure_fidelity
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.patches.store import open_patch_set
from pathgen.run_matrix import PipelineSettings
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage, *, generator: str) -> None:
    """Run the stage."""
    settings = load_section("fidelity", FidelitySettings)
    for replicate in load_section("pipeline", PipelineSettings).all_replicates:
        sets = layout.synthetic_sets(generator, replicate)
        fidelity = measure_fidelity(
            open_patch_set(layout.TRAIN).images_by_label(),
            open_patch_set(layout.NONMEMBER).images_by_label(),
            {label: open_patch_set(folder).images for label, folder in sets.items()},
            settings,
        )
        fidelity.save(layout.fidelity(generator, replicate))
        stage.run.metrics(fidelity.metrics, replicate)


if __name__ == "__main__":
    main()
