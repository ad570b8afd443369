"""How many patches of a class the regime `mixed` takes."""

import math


def mixed_counts(originals: int, share_original: float, share_synthetic: float) -> tuple[int, int]:
    """Return how many original and how many synthetic patches of one class are trained on.

    Args:
        originals: How many original training patches of the class there are.
        share_original: Share of them that is taken, in (0, 1]; rounded down.
        share_synthetic: Synthetic patches beside them, as a share of the same number; rounded up, so that
            two halves are the whole.
    """
    # Rounded first: 100 times 0.29 is a hair below 29, 100 times 0.55 a hair above 55.
    kept, wanted = (round(originals * share, 9) for share in (share_original, share_synthetic))
    return math.floor(kept), math.ceil(wanted)
