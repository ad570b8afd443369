"""How fast this machine does the units of work of `pathgen.planning.workload`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# Seconds between two stages of the default study that are DVC's own (docs/decisions/0020).
AROUND_A_STAGE_S = 0.5


@dataclass(frozen=True)
class Rate:
    """A rate.

    Attributes:
        per_s: Units per second.
        origin: ``measured`` just now, on this machine; or ``recorded``, on four virtual cores of another
            one (docs/scale.md and README), which tells an order of magnitude.
    """

    per_s: float
    origin: Literal["measured", "recorded"]


def recorded_rates(slides_at_a_time: int) -> dict[str, Rate]:
    """Return the rates that are not worth measuring: of slides, and of what takes seconds.

    Args:
        slides_at_a_time: Processes that share the slides.

    Source: docs/scale.md, processor seconds by slide and patch; of the default study the survey (3.6 s for
    13 slides) and fidelity (2.5 s for 2,400 patches); of privacy, processor time on one core with 32 and 64
    px: products of whole patches, pairs through all translations of 3 px in eight positions, and what
    attackers learn, of which half runs in two threads.
    """
    per_s = {
        "slides opened": slides_at_a_time / 0.05,
        "slides indexed": slides_at_a_time / 5.6,
        "patches read": slides_at_a_time * 600.0,
        "slides shown": 1 / 0.27,
        "patches described": 2400 / 2.5,
        "pixels compared": 4 * 16e9,
        "pixels shifted": 4 * 5e6,
        "pixels learnt": 8e6,
    }
    return {name: Rate(value, "recorded") for name, value in per_s.items()}


def seconds_of(work: Mapping[str, float], rates: Mapping[str, Rate], start_s: float) -> float:
    """Return how long a stage takes.

    Args:
        work: Name of a rate to its units.
        rates: All rates.
        start_s: Seconds that every stage takes, whatever it does.
    """
    return start_s + math.fsum(units / rates[name].per_s for name, units in work.items())
