"""Figures for visual inspection: the closest pairs, and the distribution of correlations.

They show training patches, so they are for those who may see the originals, and never part of a release.
"""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pathgen.patches.image_grid import patch_grid
from pathgen.privacy.attack import null_quantile
from pathgen.privacy.d4_ncc import SYMMETRIES, apply_symmetry
from pathgen.privacy.nearest_pairs import ClassPairs

_SHOWN_PX = 96
_BINS = 60


def _best_oriented(original: NDArray[np.uint8], synthetic: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an original in the orientation that correlates most with the synthetic patch."""
    oriented = [apply_symmetry(original, symmetry) for symmetry in range(SYMMETRIES)]
    # All orientations have the same mean and norm, so the inner product ranks them as the correlation does.
    return max(oriented, key=lambda image: int(np.vdot(image.astype(np.int64), synthetic.astype(np.int64))))


def closest_pairs(pairs: ClassPairs) -> NDArray[np.uint8]:
    """Show the synthetic patches that correlate most with a training patch, uint8 (height, width, 3).

    The closest pair is at the top. Columns: synthetic patch, nearest member, nearest non-member; the
    originals in the best orientation, if orientations were compared.
    """
    pool, synthetic, matches = pairs.pool, pairs.synthetic, pairs.profile.pairs["ncc"]
    rows = np.argsort(matches.distance[0], kind="stable")[: pairs.settings.gallery_pairs]
    shown = []
    for row in rows:
        image, (member, nonmember) = synthetic[row], matches.original[:, row]
        nearest = [pool.members[member], pool.nonmembers[nonmember]]
        if pairs.settings.symmetries == "square":
            nearest = [_best_oriented(original, image) for original in nearest]
        shown += [image, *nearest]
    return patch_grid(np.stack(shown), columns=3, scale=max(1, _SHOWN_PX // synthetic.shape[1]))


def correlation_histogram(pairs: ClassPairs) -> Figure:
    """Plot the correlations of synthetic patches with their nearest member and nearest non-member.

    The two histograms are equal, except for sampling error, if nothing leaks.
    """
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    member, nonmember = 1 - pairs.profile.pairs["ncc"].distance
    bins = np.linspace(min(member.min(), nonmember.min(), 0.0), 1.0, _BINS + 1).tolist()
    axes.hist(member, bins=bins, histtype="step", label="nearest training patch")
    axes.hist(nonmember, bins=bins, histtype="step", linestyle="--", label="nearest unseen patch")
    usual = 1 - null_quantile(pairs.reference_profile)
    axes.axvline(usual, color="grey", linewidth=1, label="1 in 1,000 originals")
    axes.set_xlabel("correlation with the nearest original (1: a copy)")
    axes.set_ylabel("synthetic patches")
    figure.legend(loc="outside lower center", ncols=3, fontsize="small", frameon=False)
    return figure


def rendered(figure: Figure) -> NDArray[np.uint8]:
    """Render a figure as an image, uint8 (height, width, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
