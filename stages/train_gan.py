"""Train one generator: all its replicates, each a pair of networks per label or one joint pair."""

from functools import partial
from itertools import product

from pathgen.core import layout
from pathgen.core.files import copy_folder
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.gan.export import example_for_signature
from pathgen.gan.generator_training import CURVES, JOINT, MODELS, GeneratorTraining
from pathgen.gan.settings import TrainGanSettings
from pathgen.jobs.job import Job
from pathgen.provenance.cache_key import file_hashes
from pathgen.run_matrix import PipelineSettings
from pathgen.tracking.run import nested_run
from pathgen.training.compute import start_compute
from stages.parallel import part_key, run_parts
from stages.stage import Stage, dvc_stage


@dvc_stage(trains=True)
def main(stage: Stage, *, generator: str) -> None:
    """Run the stage."""
    settings = load_section("train_gan", TrainGanSettings)
    device, compute = start_compute()
    inputs = file_hashes(layout.TRAIN, layout.VALID, layout.COHORT)
    joint = settings.recipe(generator).conditioning == "joint"
    trainings = [
        GeneratorTraining(
            generator=generator,
            replicate=replicate,
            label=label,
            recipe=settings.recipe(generator, replicate=replicate),
            compute=compute,
            snapshot_every_kimg=settings.snapshot_every_kimg,
            resume_folder=stage.resume_folder / f"{replicate}-{label}",
            open_run=partial(nested_run, stage.run.run_id),
        )
        for replicate, label in product(
            load_section("pipeline", PipelineSettings).all_replicates, [JOINT] if joint else LABELS
        )
    ]
    jobs = []
    for one in trainings:
        shaping = {"recipe": one.recipe.model_dump(), "label": one.label}
        jobs.append(Job(one.name, part_key(stage, shaping, inputs, compute, device), one))
    faults = []
    for one, result in zip(
        trainings, run_parts(stage, jobs, f"train_gan/{generator}", "trainings"), strict=True
    ):
        for label in one.drawn:
            model = layout.gan_model(generator, label, one.replicate)
            copy_folder(result.folder / MODELS / label, model)
            example = example_for_signature(result.values["image_size"])
            name = f"{generator}-{one.replicate}-{label}"
            stage.run.model(name, model, "pathgen.gan.served_generator", *example)
        copy_folder(result.folder / CURVES, layout.gan_results(generator, one.label, one.replicate))
        if (state := result.values["state"]) != "converged":
            faults.append(f"{one.name} {state}")
    stage.run.health(", ".join(faults) or "converged", converged=not faults)
    stage.run.artifact(layout.GAN_RESULTS / generator)


if __name__ == "__main__":
    main()
