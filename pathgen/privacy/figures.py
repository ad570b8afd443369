"""Pictures for a person to judge by: the closest pairs, and how close pairs come in general.

They show training patches: for those who may see the originals, never part of a release.
"""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pathgen.patches.image_grid import patch_grid
from pathgen.privacy.d4_ncc import SYMMETRIES, turned
from pathgen.privacy.nearest_pairs import Matches, Pool

_SHOWN_PX = 96
_BINS = 60


def _correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    x, y = a.astype(np.float64) - a.mean(), b.astype(np.float64) - b.mean()
    norm = np.sqrt((x * x).sum() * (y * y).sum())
    return float((x * y).sum() / norm) if norm > 0 else 0.0


def _turned_like(original: NDArray[np.uint8], synthetic: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring an original into the position in which it resembles the synthetic patch most."""
    positions = [turned(original, symmetry) for symmetry in range(SYMMETRIES)]
    return max(positions, key=lambda position: _correlation(position, synthetic))


def closest_pairs(
    synthetic: NDArray[np.uint8], pool: Pool, matches: Matches, pairs: int
) -> NDArray[np.uint8]:
    """Show the synthetic patches that correlate most with a training patch.

    Args:
        synthetic: Synthetic patches, uint8 (Q, S, S, 3).
        pool: Members and non-members.
        matches: Matches of `synthetic` under a correlation measure.
        pairs: Rows of the picture, at most Q are shown.

    Returns:
        Picture, uint8 (height, width, 3), closest pair on top; columns: synthetic patch, nearest member,
        nearest non-member, both turned into the position that fits best (when turns were compared).
    """
    rows = np.argsort(matches.to_member, kind="stable")[:pairs]
    shown = []
    for row in rows:
        image = synthetic[row]
        nearest = (pool.members[matches.member[row]], pool.nonmembers[matches.nonmember[row]])
        if pool.symmetries == "square":
            nearest = (_turned_like(nearest[0], image), _turned_like(nearest[1], image))
        shown += [image, *nearest]
    return patch_grid(np.stack(shown), columns=3, scale=max(1, _SHOWN_PX // synthetic.shape[1]))


def correlation_histogram(matches: Matches, threshold: float) -> Figure:
    """Draw how closely synthetic patches resemble their nearest member and nearest non-member.

    Args:
        matches: Matches of the synthetic set under a correlation measure.
        threshold: Distance that fresh originals undercut in one of 1,000 cases.

    Returns:
        The figure, without a title, as what shows it names the class. The two outlines lie on each other when
        nothing leaks.
    """
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    member, nonmember = 1 - matches.to_member, 1 - matches.to_nonmember
    bins = np.linspace(min(member.min(), nonmember.min(), 0.0), 1.0, _BINS + 1).tolist()
    axes.hist(member, bins=bins, histtype="step", label="nearest training patch")
    axes.hist(nonmember, bins=bins, histtype="step", linestyle="--", label="nearest unseen patch")
    axes.axvline(1 - threshold, color="grey", linewidth=1, label="1 in 1,000 originals")
    axes.set_xlabel("likeness to the nearest original (correlation; 1: a copy)")
    axes.set_ylabel("synthetic patches")
    figure.legend(loc="outside lower center", ncols=3, fontsize="small", frameon=False)
    return figure


def drawn(figure: Figure) -> NDArray[np.uint8]:
    """Draw a figure as a picture, uint8 (height, width, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
