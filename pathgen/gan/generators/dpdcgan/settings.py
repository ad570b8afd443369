"""Settings of a DCGAN that is trained with differential privacy."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pydantic
from pydantic import Field

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import derive_seed
from pathgen.gan.adversarial_trainer import AdversarialSettings
from pathgen.gan.generators.dcgan import Upsampling
from pathgen.gan.generators.interface import Study

_SECRET_BYTES = 32
Unit = Literal["patch", "patient"]


class DpDcganSettings(AdversarialSettings):
    """Recipe of a DCGAN with a differential-privacy guarantee."""

    network: Literal["dpdcgan"]
    unit: Unit = Field(
        description="Privacy unit: one patch, or all patches of one patient (of one slide, if patients are "
        "unknown)."
    )
    target_epsilon: float | None = Field(
        gt=0.0, description="Privacy budget of the training of one label; null: no noise, no guarantee."
    )
    target_delta: float = Field(
        gt=0.0, lt=1.0, description="Failure probability of the guarantee; well below 1 / number of units."
    )
    max_grad_norm: float = Field(gt=0.0, description="Clipping norm of the gradient of one unit.")
    patches_per_unit: int = Field(
        ge=1, le=1024, description="Patches of a sampled patient whose mean gradient is clipped; patch: 1."
    )
    width: int = Field(ge=4, le=512, description="Channels before the generator's last layer.")
    upsampling: Upsampling = "transposed"
    discriminator_width: int = Field(
        ge=4,
        le=512,
        multiple_of=4,
        description="Channels after the discriminator's first layer. The noise grows with the number of "
        "weights, so a narrower discriminator than generator is better.",
    )
    discriminator_steps: int = Field(
        ge=1, le=1000, description="Steps of the discriminator per step of the generator."
    )
    secret_file: str | None = Field(
        description="File of 32 secret random bytes that seed noise and sampling; null: the public `seed`, "
        "and the guarantee holds only against those who do not know it."
    )

    @pydantic.model_validator(mode="after")
    def _batch_consists_of_whole_units(self) -> "DpDcganSettings":
        if self.unit == "patch" and self.patches_per_unit != 1:
            raise ValueError("patches_per_unit must be 1 if the unit is patch")
        if self.batch_size % self.patches_per_unit:
            raise ValueError("batch_size must be a multiple of patches_per_unit")
        return self

    @property
    def units_per_step(self) -> int:
        """Expected number of units per step; the sum of their gradients is divided by it."""
        return self.batch_size // self.patches_per_unit

    def sample_rate(self, units: int) -> float:
        """Return the probability of each unit to be sampled in a step.

        Args:
            units: Number of units in the training set.
        """
        return self.units_per_step / units

    def problems(self, study: Study) -> Iterator[tuple[str, str, str]]:
        """Check what is known before patients are counted; the training checks the rest."""
        yield from super().problems(study)
        if self.unit == "patient" and not study.slides_known:
            yield "unit", "is patient, but the source names neither patients nor slides", "Set it to patch"
        if self.unit == "patch" and self.batch_size > study.train_patches:
            reason = f"is {self.batch_size}, of {study.train_patches} patches per class"
            yield "batch_size", reason, "Lower it, or raise sample.per_class.train"


def private_seed(settings: DpDcganSettings) -> int:
    """Return the seed of noise and sampling.

    Whoever knows the seed can subtract the noise: the guarantee holds only against those who do not.

    Args:
        settings: The recipe; its ``secret_file`` may be None.

    Returns:
        Derived from the recipe's seed, and from the content of the secret file if there is one.

    Raises:
        PathgenError: The file is missing or too short.
    """
    if settings.secret_file is None:
        return derive_seed(settings.seed, "private")
    path = Path(settings.secret_file)
    hint = f"Create it once, and never publish it: head -c {_SECRET_BYTES} /dev/urandom > {path}"
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise PathgenError(path, f"cannot be read: {problem.strerror}", hint) from None
    if len(content) < _SECRET_BYTES:
        raise PathgenError(path, f"has {len(content)} bytes, {_SECRET_BYTES} are needed", hint)
    return derive_seed(settings.seed, "private", hashlib.sha256(content).hexdigest())
