"""Train and judge one point of the privacy sweep."""

import argparse
from pathlib import Path

from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core.errors import cli_errors
from pathgen.core.files import write_json
from pathgen.core.params import load_section
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings
from pathgen.patches.image_grid import save_png
from pathgen.patches.parquet import read_table
from pathgen.patches.store import open_patch_set
from pathgen.privacy.settings import PrivacySettings
from pathgen.studies.dp_sweep.point import Private, run_sweep_point
from pathgen.studies.dp_sweep.settings import PRIVATE_NETWORKS, DpSweepSettings
from pathgen.training.compute import apply_compute
from pathgen.training.settings import ComputeSettings
from stages.context import running
from stages.dp_parent import nest

PATCHES = {role: Path("data/patches") / role for role in ("train", "valid", "test", "nonmember", "reference")}
COHORT = Path("data/cohort.parquet")
RESULTS = Path("results/dp_sweep")
# Of the audit's settings, those of the comparison that its attacks read.
COMPARISON = {"max_originals", "max_synthetic", "symmetries", "max_shift_px", "shift_shortlist", "seed"}


@cli_errors()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epsilon", required=True, help="of each class, or unlimited")
    parser.add_argument("--seed", required=True, type=int)
    wanted = parser.parse_args()
    settings = load_section("dp_sweep", DpSweepSettings)
    train_gan = load_section("train_gan", TrainGanSettings)
    classifier = load_section("train_classifier", TrainClassifierSettings).of(settings.classifier)
    synthesise = load_section("synthesise", SynthesiseSettings)
    attack = load_section("privacy", PrivacySettings).model_dump(include=COMPARISON)
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    target = None if wanted.epsilon == "unlimited" else float(wanted.epsilon)
    recipe = {
        **train_gan.dpdcgan.recipe(0),
        "target_epsilon": target,
        "augment": train_gan.augment,
        "seed": train_gan.seed_of(f"{PRIVATE_NETWORKS}.{wanted.seed}"),
    }
    with running(
        "dp_point",
        settings={
            "dp_sweep": settings.training,
            "dpdcgan": recipe,
            "train_classifier": classifier,
            "synthesise": synthesise,
            "compute": compute,
        },
        inputs=list(PATCHES.values()),
        item=vars(wanted),
        trains=True,
    ) as stage:
        nest(stage.run, settings, train_gan.dpdcgan)
        found, picture = run_sweep_point(
            {role: open_patch_set(folder) for role, folder in PATCHES.items()},
            bool(read_table(COHORT)["slide_known"].all()),
            Private(
                recipe,
                train_gan.dpdcgan.options,
                device,
                compute.precision,
                compute.channels_last,
                train_gan.snapshot_every_kimg,
            ),
            per_class=synthesise.per_class,
            drawing_seed=synthesise.seed,
            attack=attack,
            classifier={
                "recipe": classifier.model_dump(),
                **settings.training.model_dump(),
                "seed": wanted.seed,
                "threshold": load_section("evaluate", EvaluateSettings).threshold,
            },
            resume_folder=stage.resume_folder,
            recorder=stage.run,
            what=f"epsilon {wanted.epsilon}, seed {wanted.seed}",
        )
        name = f"{wanted.epsilon}-{wanted.seed}"
        write_json(RESULTS / "points" / f"{name}.json", {**vars(wanted), **found})
        save_png(picture, RESULTS / "pictures" / f"{name}.png")
        stage.run.image("synthetic", picture, 0)
        stage.run.metrics(
            {
                "dp_sweep/accuracy": found["accuracy"],
                "dp_sweep/roc_auc": found["roc_auc"],
                "dp_sweep/attack_auc": found["attack_auc"],
                "dp_sweep/attack_by_chance": found["attack_by_chance"],
                "dp_sweep/discriminator_auc": found["discriminator_auc"],
            },
            0,
        )


if __name__ == "__main__":
    main()
