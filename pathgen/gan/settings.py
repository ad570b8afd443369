"""Settings of the sections `train_gan` and `synthesise`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pydantic
from pydantic import Field

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.params import PARAMS_FILE, Settings, parse_section
from pathgen.core.seeding import derive_seed
from pathgen.gan import generators

if TYPE_CHECKING:
    from pathgen.gan.generators.interface import GeneratorSettings

# Part of paths and of DVC's stage names.
_RECIPE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class TrainGanSettings(Settings):
    """Section `train_gan`: what all recipes share, and the recipes by name."""

    seed: int = Field(
        ge=0,
        description="Seed of a recipe without its own. The first replicate has the recipe's seed, the others "
        "have seeds derived from it.",
    )
    augment: Literal["none", "d4"] = Field(description="Augmentation of a recipe without its own.")
    snapshot_every_kimg: float = Field(
        gt=0.0, description="Thousands of images between two snapshots; changes no result."
    )
    generators: dict[str, dict[str, Any]] = Field(
        description="Recipes by name: `network`, and the settings of its module in `pathgen/gan/generators`. "
        "`pipeline.generators` names those that are trained."
    )

    @pydantic.field_validator("generators")
    @classmethod
    def _names_fit_paths(cls, recipes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name in recipes:
            if not _RECIPE_NAME.fullmatch(name):
                raise ValueError(f"the name {name!r} must be lower-case letters, digits and hyphens")
        return recipes

    def recipe(self, name: str, path: Path = PARAMS_FILE, *, replicate: int = 1) -> "GeneratorSettings":
        """Return the settings of a recipe.

        Args:
            name: Key of `generators`.
            path: The params file, for messages.
            replicate: Number of the training, from 1, which decides the seed.

        Raises:
            PathgenError: There is no such recipe, or its network does not exist.
            PathgenErrors: One error per setting that is missing or out of range.
        """
        subject = f"train_gan.generators.{name}"
        if name not in self.generators:
            raise PathgenError(
                f"{path}: {subject}", "is missing", f"Add it, or choose from {[*self.generators]}"
            )
        recipe = {"seed": self.seed, "augment": self.augment, **self.generators[name]}
        model = generators.load(str(recipe.get("network")), f"{path}: {subject}.network").settings
        settings = parse_section({subject: recipe}, subject, model, path)
        if replicate == 1:
            return settings
        return settings.model_copy(update={"seed": derive_seed(settings.seed, "replicate", replicate)})


class SynthesiseSettings(Settings):
    """Section `synthesise`: what to sample from each trained generator."""

    seed: int = Field(ge=0, description="Seed of the latents.")
    per_class: int = Field(ge=1, description="Number of patches per label; paper: 35008.")
    batch_size: int = Field(
        ge=1, le=65536, description="Number of patches written at a time; changes no result."
    )
    best_of: int = Field(
        ge=1,
        le=64,
        description="Candidates per patch, of which the discriminator chooses one; 1: no choice. The "
        "discriminator has learned from originals: a choice is stated in the set, the privacy audit and the "
        "report.",
    )
    sampling: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Sampling settings of recipes by name, e.g. `truncation_psi` of a StyleGAN2.",
    )

    def sampling_files(self, generators: list[str]) -> dict[Path, dict[str, Any]]:
        """Return content by path: a stage depends on its own generator's sampling settings alone."""
        own = {name: {name: self.sampling.get(name, {})} for name in generators}
        return {
            layout.SAMPLING / f"{name}.json": {"synthesise": {"sampling": one}} for name, one in own.items()
        }
