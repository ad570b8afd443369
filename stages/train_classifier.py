"""Train one classifier on the patches of one regime."""

from pathgen.classifier.classifier_checkpoint import save_classifier
from pathgen.classifier.regimes import Regime, build_regime
from pathgen.classifier.retries import train_with_retries
from pathgen.classifier.settings import TrainClassifierConfig, TrainClassifierSettings
from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.patches.parquet import write_csv
from pathgen.patches.store import open_patch_set
from pathgen.run_matrix import classifier_run
from pathgen.training.compute import start_compute
from stages.stage import Stage, dvc_stage


@dvc_stage(trains=True)
def main(stage: Stage, *, regime: Regime, generator: str | None = None, classifier: str, seed: int) -> None:
    """Run the stage."""
    name = classifier_run(regime, generator, classifier, seed)
    synthetic = layout.synthetic_sets(generator) if generator else {}
    settings = load_section("train_classifier", TrainClassifierSettings)
    device, compute = start_compute()
    train, valid = build_regime(
        regime,
        open_patch_set(layout.TRAIN),
        open_patch_set(layout.VALID),
        {label: open_patch_set(folder) for label, folder in synthetic.items()},
        settings.regimes,
        seed,
    )
    trained = train_with_retries(
        train,
        valid,
        TrainClassifierConfig(
            recipe=settings.of(classifier),
            seed=seed,
            precision=compute.precision,
            channels_last=compute.channels_last,
        ),
        device=device,
        resume_folder=stage.resume_folder,
        logger=stage.run,
        desc=f"train {name}",
    )
    stage.run.health(trained.health.state, converged=trained.health.converged)
    if trained.health.remarks:
        stage.run.tag("health.remarks", "; ".join(trained.health.remarks))
    if trained.health.failed_seeds:
        stage.run.tag("failed_seeds", ", ".join(map(str, trained.health.failed_seeds)))
    stage.run.metrics({"train/converged": float(trained.health.converged)}, trained.best_epoch)
    model = layout.classifier_model(name)
    identity = {"classifier": classifier, "regime": regime, "generator": generator, "seed": seed}
    save_classifier(model, trained, identity)
    write_csv(trained.history, layout.training_history(name))
    stage.run.model(
        name, model, "pathgen.classifier.served_classifier", train.images[:2], train.classes[:2] * 1.0
    )


if __name__ == "__main__":
    main()
