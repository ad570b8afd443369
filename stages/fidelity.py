"""Measure how similar synthetic and original patches are, for each replicate of a generator."""

from concurrent.futures import ThreadPoolExecutor

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.core.progress import tracked
from pathgen.jobs.settings import JobSettings
from pathgen.metrics.fidelity.measure import measure_fidelity
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.patches.store import open_patch_set
from pathgen.results.fidelity_record import Fidelity
from pathgen.run_matrix import PipelineSettings
from stages.stage import Stage, dvc_stage


@dvc_stage()
def main(stage: Stage, *, generator: str) -> None:
    """Run the stage."""
    settings = load_section("fidelity", FidelitySettings)
    replicates = load_section("pipeline", PipelineSettings).all_replicates
    train, nonmember = (open_patch_set(path).images_by_label() for path in (layout.TRAIN, layout.NONMEMBER))

    def measure(replicate: int) -> Fidelity:
        sets = layout.synthetic_sets(generator, replicate)
        synthetic = {label: open_patch_set(folder).images for label, folder in sets.items()}
        return measure_fidelity(train, nonmember, synthetic, settings)

    # The limit is one of the process: the first thread to finish would lift it for the others.
    with (
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(load_section("jobs", JobSettings).processes) as pool,
    ):
        measured = tracked(pool.map(measure, replicates), len(replicates), "sets", f"fidelity of {generator}")
        for replicate, fidelity in zip(replicates, measured, strict=True):
            fidelity.save(layout.fidelity(generator, replicate))
            stage.run.metrics(fidelity.metrics, replicate)


if __name__ == "__main__":
    main()
