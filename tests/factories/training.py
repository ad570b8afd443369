"""Made-up facts of trainings."""

from pathgen.results.health_record import ClassifierHealth, GeneratorHealth
from pathgen.results.training_record import DpGuarantee

HEALTHY = GeneratorHealth(state="converged", spread_ratio=0.9)
CONVERGED = ClassifierHealth(converged=True, training_seed=1)
FAILED = ClassifierHealth(
    converged=False, failures=("one class predicted on validation patches",), training_seed=1
)


def guarantee(epsilon: float | None = 0.996, unit: str = "patch", *, secret: bool = False) -> DpGuarantee:
    """Return a differential-privacy guarantee."""
    return DpGuarantee(
        unit=unit,  # type: ignore[arg-type]
        units=1000,
        epsilon=epsilon,
        delta=1e-5,
        noise_multiplier=1.0,
        max_grad_norm=1.0,
        sample_rate=0.1,
        steps=10,
        accountant="prv",
        secret=secret,
    )
