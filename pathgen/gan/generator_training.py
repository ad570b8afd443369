"""Training of one generator as a job, which runs in a process of its own, in parallel with others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.gan.dataset import of_label
from pathgen.gan.export import save_training
from pathgen.gan.generators.interface import GeneratorSettings, Precision
from pathgen.gan.loop import train_generator
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import slides_known
from pathgen.patches.store import open_patch_set
from pathgen.training.compute import apply_compute
from pathgen.training.metric_logger import LabelLogger, OpenRun
from pathgen.training.settings import ComputeSettings

#: Name of a joint training in place of its label.
JOINT = "all"
#: Folders of the checkpoints by label and of the curves, in the folder of the result.
MODELS, CURVES = "models", "curves"


@dataclass(frozen=True)
class GeneratorTraining:
    """Work of the job of one training.

    Attributes:
        generator: Name of the generator.
        replicate: Number of its training, from 1.
        label: Label that it learns, or `JOINT`.
        recipe: Settings of the training.
        compute: Section ``compute``.
        snapshot_every_kimg: Thousands of images between two snapshots; changes no result.
        resume_folder: Folder of its snapshots.
        open_run: Opens the record of the training.
    """

    generator: str
    replicate: int
    label: str
    recipe: GeneratorSettings
    compute: ComputeSettings
    snapshot_every_kimg: float
    resume_folder: Path
    open_run: OpenRun

    @property
    def name(self) -> str:
        """Name of the training, e.g. ``dcgan-1-normal``."""
        return f"{self.generator}-{self.replicate}-{self.label}"

    @property
    def drawn(self) -> tuple[str, ...]:
        """Labels that it can draw."""
        return LABELS if self.label == JOINT else (self.label,)

    def __call__(self, folder: Path) -> dict[str, Any]:
        """Train, and write `MODELS` and `CURVES` into the folder.

        Returns:
            ``image_size``: side of the images, px; ``state``: state of the training at its end.

        Raises:
            PathgenError: See `train_generator`.
        """
        device = apply_compute(device=self.compute.device, threads=self.compute.threads)
        train, held_out = open_patch_set(layout.TRAIN), open_patch_set(layout.VALID)
        known = slides_known(read_table(layout.COHORT))
        data = of_label(train, held_out, None if self.label == JOINT else self.label, slides_known=known)
        identity = {"generator": self.generator, "replicate": self.replicate, "label": self.label}
        parameters, tags = {"recipe": self.recipe.model_dump()}, {"stage": "train_gan", **identity}
        with self.open_run(f"train_gan {self.name}", parameters=parameters, tags=tags) as run:
            trained = train_generator(
                data,
                self.recipe,
                device=device,
                precision=Precision(self.compute.precision, self.compute.channels_last),
                snapshot_every_kimg=self.snapshot_every_kimg,
                resume_folder=self.resume_folder,
                logger=LabelLogger(run, self.label),
                desc=f"train {self.name}",
            )
            state = trained.health.state
            run.health(state, converged=state == "converged")
        save_training(trained, {one: folder / MODELS / one for one in self.drawn}, folder / CURVES)
        return {"image_size": trained.image_size, "state": state}
