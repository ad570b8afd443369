"""Train one generator: a pair of networks for each label, or one joint pair."""

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.gan.dataset import of_label
from pathgen.gan.export import example_for_signature, save_training
from pathgen.gan.generators.interface import Precision
from pathgen.gan.loop import train_generator
from pathgen.gan.settings import TrainGanSettings
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import slides_known
from pathgen.patches.store import open_patch_set
from pathgen.training.compute import start_compute
from pathgen.training.metric_logger import LabelLogger
from stages.stage import Stage, dvc_stage

JOINT = "all"


@dvc_stage(trains=True)
def main(stage: Stage, *, generator: str) -> None:
    """Run the stage."""
    settings = load_section("train_gan", TrainGanSettings)
    recipe = settings.recipe(generator)
    device, compute = start_compute()
    train, held_out = open_patch_set(layout.TRAIN), open_patch_set(layout.VALID)
    known = slides_known(read_table(layout.COHORT))
    states = {}
    for label in [JOINT] if recipe.conditioning == "joint" else LABELS:
        data = of_label(train, held_out, None if label == JOINT else label, slides_known=known)
        trained = train_generator(
            data,
            recipe,
            device=device,
            precision=Precision(compute.precision, compute.channels_last),
            snapshot_every_kimg=settings.snapshot_every_kimg,
            # The snapshot of a finished label stays until all are: a killed stage does not train it again.
            resume_folder=stage.resume_folder / label,
            logger=LabelLogger(stage.run, label),
            desc=f"train {generator}-{label}",
        )
        states[label] = trained.health.state
        drawn = LABELS if label == JOINT else (label,)
        models = {one: layout.gan_model(generator, one) for one in drawn}
        save_training(trained, models, layout.gan_results(generator, label))
        for one, model in models.items():
            example = example_for_signature(trained.image_size)
            stage.run.model(f"{generator}-{one}", model, "pathgen.gan.served_generator", *example)
    faults = [f"{label} {state}" for label, state in states.items() if state != "converged"]
    stage.run.health(", ".join(faults) or "converged", converged=not faults)
    stage.run.artifact(layout.GAN_RESULTS / generator)


if __name__ == "__main__":
    main()
