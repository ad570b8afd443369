"""Section `pipeline`: the lists that DVC's matrix stages run over, and the classifiers' runs."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import pydantic

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.core.params import DISTINCT, Settings

ORIGINAL = "original"
#: In the order of the paper's table.
REGIMES = (ORIGINAL, "mixed", "synthetic")
SyntheticRegime = Literal["mixed", "synthetic"]
#: Sets with a known answer that stand in place of a synthetic one in the regime `synthetic`.
ControlName = Literal["control-fresh", "control-noise", "control-blur"]
# A loss several times the margin needs no more trainings to be shown.
_SEEDS_OF_NEGATIVE_CONTROLS = 5


def control_seeds(control: str, seeds: Sequence[int]) -> Sequence[int]:
    """Return the seeds of the trainings on a control: all, or the first five of one that must fail."""
    return seeds if control == "control-fresh" else seeds[:_SEEDS_OF_NEGATIVE_CONTROLS]


def control_folder(classifier: str) -> str:
    """Return the name of the folder that all trainings of a classifier on controls share."""
    return f"control-{classifier}"


def regime_name(regime: str, generator: str | None) -> str:
    """Return the name of a regime in paths: ``original``, or e.g. ``mixed-dcgan``."""
    return regime if generator is None else f"{regime}-{generator}"


@dataclass(frozen=True)
class RunKey:
    """What distinguishes the training of a classifier from the others.

    Attributes:
        regime: ``original``, ``mixed`` or ``synthetic``.
        generator: Name of the generator or control; None in the original regime.
        classifier: Name of the classifier.
        seed: Seed of the classifier.
        replicate: Number of the generator's training, from 1; None in the original regime and for a control.
    """

    regime: str
    generator: str | None
    classifier: str
    seed: int
    replicate: int | None = None

    @property
    def is_control(self) -> bool:
        """Whether a control stands in place of a synthetic set."""
        return self.generator in get_args(ControlName)

    @property
    def regime_name(self) -> str:
        """Regime with its generator, see `regime_name`."""
        return regime_name(self.regime, self.generator)

    @property
    def group(self) -> str:
        """Name that runs share which differ in their seed alone, e.g. ``mixed-dcgan-cnn6``."""
        return f"{self.regime_name}-{self.classifier}"

    @property
    def name(self) -> str:
        """Name of the run, e.g. ``mixed-dcgan-cnn6-1``."""
        return f"{self.group}-{self.seed}"

    @property
    def folder(self) -> Path:
        """Path of its checkpoint or curve below those of all classifiers, e.g. ``mixed-dcgan-cnn6/1``."""
        outputs = Path(self.group, str(self.seed))
        return control_folder(self.classifier) / outputs if self.is_control else outputs

    @property
    def identity(self) -> dict[str, str | int]:
        """Its known parts by name, for tags and file contents."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def synthetic_sets(self) -> dict[str, Path]:
        """Label to the folder of the synthetic set that it is trained on; empty in the original regime."""
        if self.generator is not None and self.is_control:
            return {label: layout.control_set(self.generator, label) for label in LABELS}
        if self.generator is None or self.replicate is None:
            return {}
        return layout.synthetic_sets(self.generator, self.replicate)

    @property
    def order(self) -> tuple[str, int, str, int]:
        """Sorting key; its first three values are equal for all runs of one row of a table."""
        return (self.classifier, REGIMES.index(self.regime), self.regime_name, self.seed)


class PipelineSettings(Settings):
    """Section `pipeline`."""

    generators: Annotated[list[str], DISTINCT] = pydantic.Field(
        min_length=1, description="Recipes of `train_gan.generators` to train and sample from."
    )
    classifiers: Annotated[list[str], DISTINCT] = pydantic.Field(
        min_length=1, description="Recipes of `train_classifier.classifiers` to train."
    )
    controls: Annotated[list[ControlName], DISTINCT] = pydantic.Field(
        description="Sets with a known answer that are trained on like the synthetic set of a generator; the "
        "verdict on usefulness is refused where one fails. `control-fresh`: unseen original patches, must be "
        "adequate. `control-noise` (noise with the mean colours of originals) and `control-blur` (blurred "
        "originals) must be inadequate.",
    )
    regimes: Annotated[list[SyntheticRegime], DISTINCT] = pydantic.Field(
        min_length=1,
        description="Regimes that are trained for each generator; `original` is always trained.",
    )
    seeds: Annotated[list[int], DISTINCT] = pydantic.Field(
        min_length=1,
        description="Seeds of the classifiers, for each regime; an interval needs two. They are dealt out "
        "among the replicates, so that all regimes have equally many trainings, paired by seed.",
    )
    replicates: int = pydantic.Field(
        ge=1,
        le=100,
        description="Independent trainings of each generator, which differ in their seed; their spread is "
        "part of the intervals. The number of `seeds` is a multiple of it.",
    )

    @pydantic.model_validator(mode="after")
    def _check_runs(self) -> Self:
        if len(self.seeds) % self.replicates:
            reason = f"{len(self.seeds)} seeds cannot be dealt out evenly among {self.replicates} replicates"
            raise ValueError(f"{reason}: seeds must be a multiple of replicates")
        if taken := sorted({*self.generators} & {*get_args(ControlName)}):
            raise ValueError(f"the generator {taken[0]} has the name of a control: rename it")
        names = [run.name for run in self.runs()]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two trainings have the name {twice[0]}: rename a generator or a classifier")
        return self

    @property
    def all_replicates(self) -> range:
        """Numbers of the replicates, from 1."""
        return range(1, self.replicates + 1)

    @property
    def replicate_of_seed(self) -> dict[int, int]:
        """Seed to the number of the replicate that it is dealt to: 1, 2, ... and again from 1."""
        return {seed: place % self.replicates + 1 for place, seed in enumerate(self.seeds)}

    def runs(self) -> list[RunKey]:
        """Return the runs of all classifiers."""
        trained = product(self.regimes, self.generators)
        return [
            *(RunKey(ORIGINAL, None, *item) for item in product(self.classifiers, self.seeds)),
            *(
                RunKey(regime, generator, classifier, seed, replicate)
                for (regime, generator), classifier in product(trained, self.classifiers)
                for seed, replicate in self.replicate_of_seed.items()
            ),
            *(
                RunKey("synthetic", control, classifier, seed)
                for control, classifier in product(self.controls, self.classifiers)
                for seed in control_seeds(control, self.seeds)
            ),
        ]

    def runs_of(self, regime: str, generator: str | None, classifier: str) -> list[RunKey]:
        """Return the runs that differ in their seed alone, in the order of the seeds."""
        wanted = (regime, generator, classifier)
        return [run for run in self.runs() if (run.regime, run.generator, run.classifier) == wanted]

    def run(self, name: str) -> RunKey:
        """Return the run of that name.

        Raises:
            PathgenError: There is no such run.
        """
        for run in self.runs():
            if run.name == name:
                return run
        reason = "is not the name of a run (regime[-generator]-classifier-seed)"
        raise PathgenError(name, reason, "Remove the folder if it is not an output of the pipeline")

    def items_by_folder(self) -> dict[Path, set[str]]:
        """Return the expected entries of each folder with one entry per item of a matrix, or per run."""
        generators, runs = set(self.generators), self.runs()
        trained, names = {run.folder.parts[0] for run in runs}, {run.name for run in runs}
        trained |= {control_folder(classifier) for classifier in self.classifiers}
        trts = {"-".join(map(str, one)) for one in product(generators, self.classifiers, self.seeds)}
        per_generator = (
            *(layout.GAN_MODELS, layout.GAN_RESULTS, layout.SYNTHETIC),
            *(layout.FIDELITY, layout.PRIVACY),
        )
        return {
            **{folder: generators for folder in per_generator},
            **{folder: trained for folder in (layout.CLASSIFIER_MODELS, layout.TRAINING)},
            layout.EVALUATION: names,
            layout.TRTS: trts,
        }


def prune(settings: PipelineSettings, root: Path) -> list[Path]:
    """Remove results of matrix items that are no longer in the settings; they stay in DVC's cache.

    A stage that depends on a whole folder must find the same files here and in a new clone.

    Args:
        settings: The section.
        root: The checkout.

    Returns:
        Removed paths.
    """
    expected = settings.items_by_folder().items()
    return [entry for folder, items in expected for entry in keep_only(root / folder, items)]


def keep_only(folder: Path, items: set[str]) -> list[Path]:
    """Remove every entry of a folder except those of some names, and hidden ones (see `prune`)."""
    removed = []
    for entry in sorted(folder.glob("[!.]*")):
        if entry.name not in items:
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
            removed.append(entry)
    return removed
