"""Train one generator on the original patches of one class, or of all."""

import argparse
from pathlib import Path

from pathgen.compute import apply_compute
from pathgen.compute_settings import ComputeSettings
from pathgen.errors import errors_to_exit
from pathgen.gan.keeping import example_for_signature, keep_training
from pathgen.gan.loop import train_generator
from pathgen.gan.originals import of_all_labels, of_one_label
from pathgen.gan.registry import GENERATORS
from pathgen.gan.settings import TrainGanSettings, networks_of
from pathgen.labels import LABELS
from pathgen.params import load_section
from pathgen.patches.store import open_patch_set
from stages.runtime import running

TRAIN = Path("data/patches/train")
# Looked at, never learned from: the validation patches choose a classifier's epoch and judge no generator.
HELD_OUT = Path("data/patches/valid")
ALL = "all"


@errors_to_exit()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--label", required=True, choices=[*LABELS, ALL])
    wanted = parser.parse_args()
    name = f"{wanted.generator}-{wanted.label}"
    settings = load_section("train_gan", TrainGanSettings)
    networks = networks_of(wanted.generator)
    own = settings.of(wanted.generator)
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    with running(
        "train_gan",
        settings={"train_gan": settings, "compute": compute},
        inputs=[TRAIN, HELD_OUT],
        item={"generator": wanted.generator, "label": wanted.label},
        trains=True,
    ) as stage:
        train, held_out = open_patch_set(TRAIN), open_patch_set(HELD_OUT)
        if wanted.label == ALL:
            originals = of_all_labels(train, held_out, **settings.conditional.model_dump())
        else:
            originals = of_one_label(train, held_out, wanted.label)
        trained = train_generator(
            originals.images,
            architecture=networks,
            options=own.options,
            recipe=GENERATORS[networks].recipe(
                **own.model_dump(exclude=set(own.options)),
                augment=settings.augment,
                seed=settings.seed_of(wanted.generator),
            ),
            held_out=originals.held_out,
            classes=originals.classes,
            snapshot_every_kimg=settings.snapshot_every_kimg,
            device=device,
            precision=compute.precision,
            channels_last=compute.channels_last,
            resume_folder=stage.resume_folder,
            recorder=stage.run,
            what=f"train {name}",
        )
        results = Path("results/gan") / name
        labels = LABELS if wanted.label == ALL else (wanted.label,)
        models = {label: Path("models/gan") / f"{wanted.generator}-{label}" for label in labels}
        keep_training(trained, models, results)
        for model in models.values():
            stage.run.model(model.name, model, "pathgen.gan.serving", *example_for_signature(trained))
        stage.run.artifact(results)


if __name__ == "__main__":
    main()
