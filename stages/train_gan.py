"""Train one generator on the original patches of one class."""

import argparse
from pathlib import Path

from pathgen.compute import apply_compute
from pathgen.compute_settings import ComputeSettings
from pathgen.errors import errors_to_exit
from pathgen.gan.keeping import example_for_signature, keep_training
from pathgen.gan.loop import train_generator
from pathgen.gan.registry import GENERATORS
from pathgen.gan.settings import TrainGanSettings
from pathgen.labels import LABELS
from pathgen.params import load_section
from pathgen.patches.store import open_patch_set
from stages.runtime import running

TRAIN = Path("data/patches/train")
# Looked at, never learned from: the validation patches choose a classifier's epoch and judge no generator.
HELD_OUT = Path("data/patches/valid")


@errors_to_exit()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--label", required=True, choices=LABELS)
    wanted = parser.parse_args()
    name = f"{wanted.generator}-{wanted.label}"
    settings = load_section("train_gan", TrainGanSettings)
    own = getattr(settings, wanted.generator)
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    with running(
        "train_gan",
        settings={"train_gan": settings, "compute": compute},
        inputs=[TRAIN, HELD_OUT],
        item={"generator": wanted.generator, "label": wanted.label},
        trains=True,
    ) as stage:
        trained = train_generator(
            open_patch_set(TRAIN).of_label(wanted.label).images,
            architecture=wanted.generator,
            options=own.options,
            recipe=GENERATORS[wanted.generator].recipe(
                **own.model_dump(exclude=set(own.options)), augment=settings.augment, seed=settings.seed
            ),
            held_out=open_patch_set(HELD_OUT).of_label(wanted.label).images,
            snapshot_every_kimg=settings.snapshot_every_kimg,
            device=device,
            precision=compute.precision,
            channels_last=compute.channels_last,
            resume_folder=stage.resume_folder,
            recorder=stage.run,
            what=f"train {name}",
        )
        model, results = Path("models/gan") / name, Path("results/gan") / name
        keep_training(trained, model, results, label=wanted.label)
        stage.run.model(name, model, "pathgen.gan.serving", *example_for_signature(trained))
        stage.run.artifact(results)


if __name__ == "__main__":
    main()
