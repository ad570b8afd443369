"""Train one classifier on the patches of one regime."""

import argparse

from pathgen.classifier.checkpoint import save_classifier
from pathgen.classifier.loop import train_classifier
from pathgen.classifier.regimes import REGIMES, build_regime
from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core import layout
from pathgen.core.errors import cli_errors
from pathgen.core.params import load_section
from pathgen.patches.parquet import write_csv
from pathgen.patches.store import open_patch_set
from pathgen.run_matrix import classifier_run
from pathgen.training.compute import apply_compute
from pathgen.training.settings import ComputeSettings
from stages.context import running


@cli_errors()
def main() -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regime", required=True, choices=REGIMES)
    parser.add_argument("--generator", help="for all regimes but original")
    parser.add_argument("--classifier", required=True)
    parser.add_argument("--seed", required=True, type=int)
    wanted = parser.parse_args()
    if (wanted.generator is None) != (wanted.regime == "original"):
        parser.error("--generator goes with every regime but original")
    name = classifier_run(wanted.regime, wanted.generator, wanted.classifier, wanted.seed)
    sets = layout.synthetic_sets(wanted.generator) if wanted.generator else {}
    settings = load_section("train_classifier", TrainClassifierSettings)
    recipe = settings.of(wanted.classifier)
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    with running(
        "train_classifier",
        settings={"classifier": recipe, "regimes": settings.regimes, "compute": compute},
        inputs=[layout.TRAIN, layout.VALID, *sets.values()],
        item={key: value for key, value in vars(wanted).items() if value is not None},
        classifiers=[wanted.classifier],
        trains=True,
    ) as stage:
        train, valid = build_regime(
            wanted.regime,
            open_patch_set(layout.TRAIN),
            open_patch_set(layout.VALID),
            {label: open_patch_set(folder) for label, folder in sets.items()},
            **settings.regimes.model_dump(),
            seed=wanted.seed,
        )
        trained = train_classifier(
            train.images,
            train.labels,
            valid.images,
            valid.labels,
            **recipe.arguments(),
            seed=wanted.seed,
            device=device,
            precision=compute.precision,
            channels_last=compute.channels_last,
            resume_folder=stage.resume_folder,
            recorder=stage.run,
            what=f"train {name}",
        )
        model = layout.classifier_model(name)
        facts = {key: getattr(wanted, key) for key in ("classifier", "regime", "generator", "seed")}
        save_classifier(model, trained, facts)
        write_csv(trained.history, layout.training_history(name))
        stage.run.model(name, model, "pathgen.classifier.serving", train.images[:2], train.labels[:2] * 1.0)


if __name__ == "__main__":
    main()
