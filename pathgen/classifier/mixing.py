"""Number of patches of a class in the regime `mixed`."""

import math


def mixed_counts(originals: int, share_original: float, share_synthetic: float) -> tuple[int, int]:
    """Return the numbers of original and of synthetic training patches of one class.

    Args:
        originals: Number of original training patches of the class.
        share_original: Share of them in the mixture, in (0, 1]; rounded down.
        share_synthetic: Number of synthetic patches in the mixture as a share of the same number; rounded up,
            so that two halves are the whole.
    """
    # Rounded first: 100 * 0.29 is slightly below 29, 100 * 0.55 slightly above 55.
    kept, wanted = (round(originals * share, 9) for share in (share_original, share_synthetic))
    return math.floor(kept), math.ceil(wanted)
