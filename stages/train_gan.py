"""Train one generator on the original patches of one class, or of all."""

import argparse
from typing import Any

from pathgen.core import layout
from pathgen.core.errors import cli_errors
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
from pathgen.training.compute import apply_compute
from pathgen.training.settings import ComputeSettings
from stages.context import running

# Looked at, never learned from: the validation patches choose a classifier's epoch and judge no generator.
# Says whether patches of one slide can be told from those of another.
ALL = "all"


@cli_errors()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--label", required=True, choices=[*LABELS, ALL])
    wanted = parser.parse_args()
    name = f"{wanted.generator}-{wanted.label}"
    settings = load_section("train_gan", TrainGanSettings)
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    with running(
        "train_gan",
        settings={"train_gan": settings, "compute": compute},
        inputs=[layout.TRAIN, layout.VALID],
        item={"generator": wanted.generator, "label": wanted.label},
        trains=True,
    ) as stage:
        trained = train_generator(
            **work(wanted.generator, wanted.label, settings, compute),
            device=device,
            resume_folder=stage.resume_folder,
            recorder=stage.run,
            what=f"train {name}",
        )
        results = layout.gan_results(wanted.generator, wanted.label)
        labels = LABELS if wanted.label == ALL else (wanted.label,)
        models = {label: layout.gan_model(wanted.generator, label) for label in labels}
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
