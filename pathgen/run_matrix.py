"""What the pipeline is made of: the lists its matrix stages run over, and the names of their items."""

import re
import shutil
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

import pydantic

from pathgen.core.params import Settings

PER_CLASS = ("dcgan", "stylegan2", "dpdcgan")
# The same networks, told the class: one pair learns all labels.
JOINT = ("cdcgan", "cstylegan2")
# A number after a point names a replicate: dcgan.2 is trained as dcgan, from another seed.
_REPLICATE = r"(\.([2-9]|[1-9]\d+))?"
PerClassGenerator = Annotated[str, pydantic.Field(pattern=f"^({'|'.join(PER_CLASS)}){_REPLICATE}$")]
JointGenerator = Annotated[str, pydantic.Field(pattern=f"^({'|'.join(JOINT)}){_REPLICATE}$")]
Generator = Annotated[str, pydantic.Field(pattern=f"^({'|'.join(PER_CLASS + JOINT)}){_REPLICATE}$")]
SyntheticRegime = Literal["mixed", "synthetic"]

_RUN = re.compile(
    r"(?:original|(?P<regime>mixed|synthetic)-(?P<generator>[^-]+))-(?P<classifier>.+)-(?P<seed>\d+)"
)

# In place of a label: the training that learns all of them.
ALL = "all"

# Folders that hold one sub-folder per matrix item.
GAN_FOLDERS = (Path("models/gan"), Path("data/synthetic"))
GAN_RESULTS = Path("results/gan")
CLASSIFIER_FOLDERS = (Path("models/classifier"), Path("results/training"), Path("results/evaluate"))
ON_SYNTHETIC = Path("results/on_synthetic")
GENERATOR_FOLDERS = (Path("results/fidelity"), Path("results/privacy"))


def kind_of(generator: str) -> str:
    """Return what a generator is a replicate of: dcgan of dcgan.2, and of dcgan itself."""
    return generator.partition(".")[0]


def regime_name(regime: str, generator: str | None) -> str:
    """Return a regime's name in paths: ``original``, or ``mixed-dcgan`` with the generator it draws on."""
    return regime if generator is None else f"{regime}-{generator}"


def classifier_run(regime: str, generator: str | None, classifier: str, seed: int) -> str:
    """Return the name of one classifier's run in paths, e.g. ``mixed-dcgan-cnn6-1``."""
    return f"{regime_name(regime, generator)}-{classifier}-{seed}"


@dataclass(frozen=True, order=True)
class RunKey:
    """What one classifier was trained on and how, as its folder's name says."""

    regime: str
    generator: str | None
    classifier: str
    seed: int

    @property
    def row(self) -> str:
        """Regime and kind of generator, e.g. ``mixed-dcgan``: replicates of a generator share it."""
        return regime_name(self.regime, None if self.generator is None else kind_of(self.generator))


def parse_run(name: str) -> RunKey | None:
    """Read the name of one classifier's run, see `classifier_run`.

    Args:
        name: E.g. ``mixed-dcgan.2-cnn6-tuned-1``; only a classifier's name may hold a hyphen.

    Returns:
        Its parts; None when it is no such name.
    """
    match = _RUN.fullmatch(name)
    if match is None:
        return None
    return RunKey(match["regime"] or "original", match["generator"], match["classifier"], int(match["seed"]))


class PipelineSettings(Settings):
    """Section `pipeline`: the lists that the matrix stages of dvc.yaml run over."""

    generators: list[Generator] = pydantic.Field(
        min_length=1,
        description="Generators to train and draw from: those of the next two lists. A number after a point "
        "makes a replicate: `[dcgan, dcgan.2, dcgan.3]` trains the same generator from three seeds, and the "
        "intervals then cover its training.",
    )
    per_class_generators: list[PerClassGenerator] = pydantic.Field(
        description="Of which one is trained for each label. Spelled out, as `regimes`."
    )
    joint_generators: list[JointGenerator] = pydantic.Field(
        description="Of which one learns all labels at once; may be empty."
    )
    labels: list[Literal["normal", "tumor"]] = pydantic.Field(description="The classes; always both.")
    classifiers: list[str] = pydantic.Field(
        min_length=1, description="Classifiers to train, by their names in `train_classifier.classifiers`."
    )
    synthetic_regimes: list[SyntheticRegime] = pydantic.Field(
        min_length=1, description="Regimes that use synthetic patches, trained for every generator."
    )
    regimes: list[str] = pydantic.Field(
        description="All regimes by name: `original`, then each of `synthetic_regimes` with each generator, "
        "as `mixed-dcgan`. Spelled out because DVC's matrix cannot compute it."
    )
    seeds: list[int] = pydantic.Field(
        min_length=1, description="Seeds of the classifiers; an interval needs two."
    )

    @pydantic.model_validator(mode="after")
    def _lists_agree(self) -> "PipelineSettings":
        for name in (
            "generators",
            "per_class_generators",
            "joint_generators",
            "labels",
            "classifiers",
            "synthetic_regimes",
            "regimes",
            "seeds",
        ):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} holds a value twice: {values}")
        if set(self.labels) != {"normal", "tumor"}:
            raise ValueError(f"labels must be [normal, tumor], not {self.labels}")
        trained = [*self.per_class_generators, *self.joint_generators]
        if set(self.generators) != set(trained):
            raise ValueError(f"generators must be {trained}: per_class_generators and joint_generators")
        expected = ["original"] + [
            regime_name(regime, generator)
            for regime, generator in product(self.synthetic_regimes, self.generators)
        ]
        if set(self.regimes) != set(expected):
            raise ValueError(f"regimes must be {expected} to fit generators and synthetic_regimes")
        return self

    def items_by_folder(self) -> dict[Path, set[str]]:
        """Return, for every folder with one entry per matrix item, the entries that belong there now."""
        gans = {f"{generator}-{label}" for generator, label in product(self.generators, self.labels)}
        trainings = {
            *(f"{generator}-{label}" for generator, label in product(self.per_class_generators, self.labels)),
            *(f"{generator}-{ALL}" for generator in self.joint_generators),
        }
        runs = {
            f"{regime}-{classifier}-{seed}"
            for regime, classifier, seed in product(self.regimes, self.classifiers, self.seeds)
        }
        return {
            **{folder: gans for folder in GAN_FOLDERS},
            GAN_RESULTS: trainings,
            **{folder: runs for folder in CLASSIFIER_FOLDERS},
            ON_SYNTHETIC: {
                f"{generator}-{classifier}-{seed}"
                for generator, classifier, seed in product(self.generators, self.classifiers, self.seeds)
            },
            **{folder: set(self.generators) for folder in GENERATOR_FOLDERS},
        }


def prune(settings: PipelineSettings, root: Path) -> list[Path]:
    """Remove results of matrix items that are no longer asked for; they stay in DVC's cache.

    A stage that depends on a whole folder must find the same files here and in a new clone.

    Args:
        settings: What is asked for now.
        root: The checkout.

    Returns:
        What was removed.
    """
    removed = []
    for folder, items in settings.items_by_folder().items():
        removed += keep_only(root / folder, items)
    return removed


def keep_only(folder: Path, items: set[str]) -> list[Path]:
    """Remove every entry of a folder but those of some names (and hidden ones), see `prune`."""
    removed = []
    for entry in sorted(folder.glob("[!.]*")):
        if entry.name.removesuffix(".json") not in items:
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
            removed.append(entry)
    return removed
