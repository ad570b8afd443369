"""``models/gan/{generator}/{replicate}/{label}/model.json``: what a trained generator is."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pydantic

from pathgen.results.health_record import GeneratorHealth
from pathgen.results.record import Record


class DpGuarantee(Record):
    """The differential-privacy guarantee of a training.

    Attributes:
        unit: What one guarantee covers.
        units: Number of units in the training set.
        epsilon: Privacy loss; None without noise, and so without a guarantee.
        delta: Probability that the guarantee leaves out.
        noise_multiplier: Standard deviation of the noise, in units of `max_grad_norm`.
        max_grad_norm: Norm that per-unit gradients are clipped to.
        sample_rate: Probability of a unit to be in a batch.
        steps: Number of noisy steps.
        accountant: Name of the accountant that computed epsilon.
        secret: Whether the noise came from a secret seed.
    """

    unit: Literal["patch", "patient"]
    units: int
    epsilon: float | None
    delta: float
    noise_multiplier: float | None
    max_grad_norm: float
    sample_rate: float
    steps: int
    accountant: str
    secret: bool


class GeneratorMeta(Record):
    """The parts of model.json that the report needs; all others are kept as extra values.

    Attributes:
        description: The network in a few words, for the report.
        recipe: Hyper-parameters.
        privacy: The differential-privacy guarantee; None for a generator without one.
        health: Whether the training converged.
    """

    model_config = pydantic.ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Any]

    description: str | None = None
    recipe: Mapping[str, Any] = {}
    privacy: DpGuarantee | None = None
    health: GeneratorHealth


def largest_epsilon(classes: Iterable[GeneratorMeta]) -> float | None:
    """Return the largest epsilon over a generator's classes; None when any class has no guarantee."""
    found = [None if meta.privacy is None else meta.privacy.epsilon for meta in classes]
    known = [epsilon for epsilon in found if epsilon is not None]
    return max(known) if known and len(known) == len(found) else None
