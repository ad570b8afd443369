"""Training of one classifier as a job, which runs in a process of its own, in parallel with others."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pathgen.classifier.classifier_checkpoint import save_classifier
from pathgen.classifier.regimes import Regime, build_regime
from pathgen.classifier.retries import train_with_retries
from pathgen.classifier.settings import ClassifierSettings, RegimeSettings, TrainClassifierConfig
from pathgen.core import layout
from pathgen.patches.parquet import write_csv
from pathgen.patches.store import open_patch_set
from pathgen.training.compute import apply_compute
from pathgen.training.metric_logger import OpenRun
from pathgen.training.settings import ComputeSettings

#: Folder of the checkpoint and table of the epochs, in the folder of the result.
MODEL, HISTORY = "model", "history.csv"


@dataclass(frozen=True)
class ClassifierTraining:
    """Work of the job of one classifier.

    Attributes:
        name: Name of the run in paths, e.g. ``mixed-dcgan-cnn6-1``.
        identity: Regime, classifier, seed and, if any, generator and replicate, for checkpoint and record.
        regime: Regime.
        synthetic: Label to the folder of its synthetic set; empty in the original regime.
        recipe: Recipe of the classifier.
        regimes: Composition of the regimes.
        seed: Seed of the training, and of the draws of the regime.
        compute: Section ``compute``.
        resume_folder: Folder of its snapshots.
        open_run: Opens the record of the training.
    """

    name: str
    identity: Mapping[str, str | int]
    regime: Regime
    synthetic: Mapping[str, Path]
    recipe: ClassifierSettings
    regimes: RegimeSettings
    seed: int
    compute: ComputeSettings
    resume_folder: Path
    open_run: OpenRun

    def __call__(self, folder: Path) -> dict[str, Any]:
        """Train, and write `MODEL` and `HISTORY` into the folder.

        Returns:
            ``converged``: whether the training converged.

        Raises:
            PathgenError: See `build_regime` and `train_with_retries`.
        """
        device = apply_compute(device=self.compute.device, threads=self.compute.threads)
        train, valid = build_regime(
            self.regime,
            open_patch_set(layout.TRAIN),
            open_patch_set(layout.VALID),
            {label: open_patch_set(patches) for label, patches in self.synthetic.items()},
            self.regimes,
            self.seed,
        )
        parameters = {"classifier": self.recipe.model_dump()}
        tags = {"stage": "train_classifier", **self.identity}
        with self.open_run(f"train_classifier {self.name}", parameters=parameters, tags=tags) as run:
            trained = train_with_retries(
                train,
                valid,
                TrainClassifierConfig(
                    recipe=self.recipe,
                    seed=self.seed,
                    precision=self.compute.precision,
                    channels_last=self.compute.channels_last,
                ),
                device=device,
                resume_folder=self.resume_folder,
                logger=run,
                desc=f"train {self.name}",
            )
            health = trained.health
            run.health(health.state, converged=health.converged)
            if health.remarks:
                run.tag("health.remarks", "; ".join(health.remarks))
            if health.failed_seeds:
                run.tag("failed_seeds", ", ".join(map(str, health.failed_seeds)))
            run.metrics({"train/converged": float(health.converged)}, trained.best_epoch)
        save_classifier(folder / MODEL, trained, self.identity)
        write_csv(trained.history, folder / HISTORY)
        return {"converged": health.converged}
