"""Section `verdict`: what counts as useful."""

from pydantic import Field

from pathgen.core.params import Settings


class VerdictSettings(Settings):
    """Section `verdict`."""

    margin: float = Field(
        gt=0,
        lt=0.5,
        description="Non-inferiority margin: the largest loss in accuracy, as a fraction, with which "
        "synthetic patches still count as adequate. 0.05: five percentage points.",
    )
