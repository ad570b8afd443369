"""Train one generator on the original patches of one class, or of all."""

from typing import Any

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.core.params import load_section
from pathgen.gan.dataset import of_all_labels, of_one_label
from pathgen.gan.export import example_for_signature, keep_training
from pathgen.gan.generators.dpdcgan.privacy_unit import units_of
from pathgen.gan.loop import train_generator
from pathgen.gan.registry import GENERATORS
from pathgen.gan.settings import DpDcganSettings, TrainGanSettings, networks_of
from pathgen.patches.parquet import read_table
from pathgen.patches.store import open_patch_set
from pathgen.training.compute import start_compute
from pathgen.training.settings import ComputeSettings
from stages.context import Stage, dvc_stage

ALL = "all"


@dvc_stage(trains=True)
def main(stage: Stage, *, generator: str, label: str) -> None:
    """Run the stage."""
    name = f"{generator}-{label}"
    settings = load_section("train_gan", TrainGanSettings)
    device, compute = start_compute()
    trained = train_generator(
        **work(generator, label, settings, compute),
        device=device,
        resume_folder=stage.resume_folder,
        recorder=stage.run,
        what=f"train {name}",
    )
    results = layout.gan_results(generator, label)
    labels = LABELS if label == ALL else (label,)
    models = {label: layout.gan_model(generator, label) for label in labels}
    keep_training(trained, models, results)
    for model in models.values():
        stage.run.model(model.name, model, "pathgen.gan.serving", *example_for_signature(trained))
    stage.run.artifact(results)


def work(generator: str, label: str, settings: TrainGanSettings, compute: ComputeSettings) -> dict[str, Any]:
    """Return what `train_generator` shall learn from and how."""
    networks = networks_of(generator)
    own = settings.of(generator)
    train, held_out = open_patch_set(layout.TRAIN), open_patch_set(layout.VALID)
    if label == ALL:
        originals = of_all_labels(train, held_out, **settings.conditional.model_dump())
    else:
        originals = of_one_label(train, held_out, label)
    units = None
    if isinstance(own, DpDcganSettings):
        known = bool(read_table(layout.COHORT)["slide_known"].all())
        units = units_of(train.of_label(label).index, own.unit, known, f"{generator}-{label}")
    count = len(originals.images) if units is None else int(units.max()) + 1
    return {
        "images": originals.images,
        "held_out": originals.held_out,
        "classes": originals.classes,
        "units": units,
        "architecture": networks,
        "options": own.options,
        "recipe": GENERATORS[networks].recipe(
            **own.recipe(count),
            augment=settings.augment,
            seed=settings.seed_of(generator),
        ),
        "snapshot_every_kimg": settings.snapshot_every_kimg,
        "precision": compute.precision,
        "channels_last": compute.channels_last,
    }


if __name__ == "__main__":
    main()
