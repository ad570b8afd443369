"""Section `pipeline`: the lists that DVC's matrix stages run over, and the names of their items."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pydantic

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.params import DISTINCT, Settings

ORIGINAL = "original"
#: In the order of the paper's table.
REGIMES = (ORIGINAL, "mixed", "synthetic")
SyntheticRegime = Literal["mixed", "synthetic"]
#: Sets with a known answer that stand in place of a synthetic one in the regime `synthetic`.
ControlName = Literal["control-fresh", "control-noise", "control-blur"]


@dataclass(frozen=True)
class Replicate:
    """Place of a generator among the recipes that differ from it only in their seed.

    Attributes:
        group: Name of the first of them.
        number: Its own place, from 0.
    """

    group: str
    number: int


def replicates(generators: list[str], recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, Replicate]:
    """Group the generators whose recipes differ only in their seed.

    Args:
        generators: Names of the trained recipes.
        recipes: Recipes by name, as in `train_gan.generators`.

    Returns:
        Place of each generator, in the order of `generators`.
    """
    groups: dict[str, list[str]] = {}
    for name in generators:
        recipe = recipes.get(name, {"name": name})
        groups.setdefault(str(sorted((k, v) for k, v in recipe.items() if k != "seed")), []).append(name)
    places = {name: Replicate(own[0], own.index(name)) for own in groups.values() for name in own}
    return {name: places[name] for name in generators}


def regime_name(regime: str, generator: str | None) -> str:
    """Return the name of a regime in paths: ``original``, or e.g. ``mixed-dcgan``."""
    return regime if generator is None else f"{regime}-{generator}"


def classifier_run(regime: str, generator: str | None, classifier: str, seed: int) -> str:
    """Return the name of a classifier's run in paths, e.g. ``mixed-dcgan-cnn6-1``."""
    return f"{regime_name(regime, generator)}-{classifier}-{seed}"


@dataclass(frozen=True, order=True)
class RunKey:
    """Regime, generator, classifier and seed of a classifier's run.

    Attributes:
        regime: ``original``, ``mixed`` or ``synthetic``.
        generator: Name of the generator or control; None in the original regime.
        classifier: Name of the classifier.
        seed: Seed of the classifier.
        replicate: Place of the generator among its replicates; None: it has none.
    """

    regime: str
    generator: str | None
    classifier: str
    seed: int
    replicate: Replicate | None = field(default=None, compare=False)

    @property
    def is_control(self) -> bool:
        """Whether a control stands in place of a synthetic set."""
        return layout.is_control(self.generator)

    @property
    def generator_group(self) -> str | None:
        """Name that replicates of a generator share."""
        return self.generator if self.replicate is None else self.replicate.group

    @property
    def name(self) -> str:
        """Name of the run in paths, see `classifier_run`."""
        return classifier_run(self.regime, self.generator, self.classifier, self.seed)

    @property
    def regime_group(self) -> str:
        """Regime and group of generators, e.g. ``mixed-dcgan``."""
        return regime_name(self.regime, self.generator_group)

    @property
    def order(self) -> tuple[str, int, str, str, int]:
        """Sorting key; its first three values are equal for all runs of one row of a table."""
        regime = REGIMES.index(self.regime)
        return (self.classifier, regime, self.regime_group, self.generator or "", self.seed)


def parse_run(name: str, generators: Mapping[str, Replicate]) -> RunKey:
    """Parse the name of a classifier's run (see `classifier_run`).

    Args:
        name: E.g. ``mixed-dp-eps10-cnn6-tuned-1``.
        generators: Trained generators, of `replicates`; names may have hyphens. Controls are known.

    Returns:
        Its parts.

    Raises:
        PathgenError: It is not such a name.
    """
    # The longest first: one name may begin with another.
    known = {*generators, *get_args(ControlName)}
    names = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    found = re.fullmatch(rf"(?:original|(mixed|synthetic)-({names}))-(.+)-(\d+)", name)
    if found is None:
        reason = "is not the name of a run (regime[-generator]-classifier-seed)"
        raise PathgenError(name, reason, "Remove the folder if it is not an output of the pipeline")
    regime, generator, classifier, seed = found.groups()
    replicate = generators.get(generator)
    return RunKey(regime or ORIGINAL, generator, classifier, int(seed), replicate)


class PipelineSettings(Settings):
    """Section `pipeline`."""

    generators: Annotated[list[str], DISTINCT] = pydantic.Field(
        min_length=1, description="Recipes of `train_gan.generators` to train and sample from."
    )
    classifiers: Annotated[list[str], DISTINCT] = pydantic.Field(
        min_length=1, description="Recipes of `train_classifier.classifiers` to train."
    )
    controls: Annotated[list[ControlName], DISTINCT] = pydantic.Field(
        default=[],
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
        min_length=1, description="Seeds of the classifiers; an interval needs two."
    )

    @pydantic.field_validator("generators")
    @classmethod
    def _require_other_names(cls, generators: list[str]) -> list[str]:
        for name in filter(layout.is_control, generators):
            raise ValueError(f"{name} begins with {layout.CONTROL_PREFIX}, as only controls do")
        return generators

    def runs(self) -> list[str]:
        """Return the names of all classifiers' runs."""
        controls = [("synthetic", control) for control in self.controls]
        regimes = [(ORIGINAL, None), *product(self.regimes, self.generators), *controls]
        return [
            classifier_run(*regime, classifier, seed)
            for regime, classifier, seed in product(regimes, self.classifiers, self.seeds)
        ]

    def items_by_folder(self) -> dict[Path, set[str]]:
        """Return the expected entries of each folder with one entry per matrix item."""
        generators, runs = set(self.generators), set(self.runs())
        trts = {"-".join(map(str, one)) for one in product(generators, self.classifiers, self.seeds)}
        per_generator = (
            *(layout.GAN_MODELS, layout.GAN_RESULTS, layout.SYNTHETIC),
            *(layout.FIDELITY, layout.PRIVACY),
        )
        return {
            **{folder: generators for folder in per_generator},
            **{folder: runs for folder in (layout.CLASSIFIER_MODELS, layout.TRAINING, layout.EVALUATION)},
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
        if entry.name.removesuffix(".json") not in items:
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
            removed.append(entry)
    return removed
