"""Made-up facts of trained generators."""

from pathgen.results.training_record import DpGuarantee


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
