"""Judge whether outlines lie on the lesions of their slide: pure functions of arrays.

The direction in which lesions differ from the rest of the tissue, in colour and texture, is estimated from
the other slides; the projection of a cell is its lesion score. The fit of outlines is the correlation of
lying inside with the score. It is compared with the fit of the same outlines after candidate transformations,
and with that of the best areas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from pathgen.wsi.outline_cells import F32, LEAST_CELLS, OutlinedCells
from pathgen.wsi.tissue import otsu_threshold

Mask = NDArray[np.bool_]

#: Smallest number of slides with lesions that are compared.
LEAST_SLIDES = 6
_RIDGE = 0.01  # of the variance of a feature
_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)
# Below this median fit lesions do not differ from the rest at this resolution: nothing can be compared.
_LEAST_MEDIAN_FIT = 0.3
# A shift leaves at least this part of the outlines on tissue, and this part of the tissue inside and outside.
_LEAST_HELD, _LEAST_SHARE = 0.5, 0.01
# Outlines do not fit up to one of these ratios, to the best fit after a transformation or to that of the best
# areas, if its modified z-score (unit: at least 0.05) is at most this.
_LARGEST_RATIOS = (0.85, 0.5)
_LOWEST_SCORE, _LEAST_DEVIATION = -3.0, 0.05
# A transformation is reported if its fit is this part of that of the best areas.
_REPORTED_FROM = 0.75
# Outlines with less than the first share on tissue do not fit if a transformation has the second.
_LEAST_ON_TISSUE, _CLEARLY_ON_TISSUE = 0.5, 0.8


@dataclass(frozen=True)
class Fit:
    """Fit of the outlines of one slide: correlations in [-1, 1].

    Attributes:
        own: Where the outlines are.
        other: Best fit of the same outlines, as they are, moved, or after one of
            `OutlinedCells.transformations`.
        transformation: Its description; empty for the outlines as they are.
        free: Fit of the cells between neighbours of a high score, whatever the shape of their area.
    """

    own: float
    other: float
    transformation: str
    free: float


def _at_all_shifts(values: F32, mask: F32) -> F32:
    """Return the sum of values (h, w) within a mask (h, w), by its cyclic shift in rows and columns."""
    shape = [fft.next_fast_len(2 * side, real=True) for side in values.shape]
    spectra = fft.rfft2(values, shape) * np.conj(fft.rfft2(mask, shape))
    return np.asarray(fft.irfft2(spectra, shape), dtype=np.float32)


def off_tissue(slide: OutlinedCells) -> str | None:
    """Return why outlines do not fit the tissue of their slide, or None.

    They do where no candidate transformation has clearly more on tissue, as on slides of scattered small
    pieces.
    """
    (_, drawn), *others = slide.transformations()
    if not drawn.any() or (own := _on_tissue(slide, drawn)) >= _LEAST_ON_TISSUE:
        return None
    best, how = max(((_on_tissue(slide, covered), how) for how, covered in others), default=(0.0, ""))
    if best < _CLEARLY_ON_TISSUE:
        best, how = float(_at_all_shifts(slide.tissue_share, drawn).max() / drawn.sum()), "moved"
    if best < _CLEARLY_ON_TISSUE:
        return None
    return f"only {own:.0%} of the outlined area is on tissue ({how}, {best:.0%} of it would be)"


def _on_tissue(slide: OutlinedCells, covered: F32) -> float:
    return float((covered * slide.tissue_share).sum() / covered.sum())


def _correlation(score: F32, mask: Mask) -> float:
    """Return the correlation of scores (n,), mean 0 and variance 1, with a mask (n,); 0 if it is constant."""
    share = mask.mean()
    return float(score[mask].sum() / len(score) / np.sqrt(share * (1 - share))) if 0 < share < 1 else 0.0


def _best_shift(score: F32, tissue: Mask, mask: Mask) -> tuple[float, int, int]:
    """Return the largest correlation of a shifted mask with the scores (h, w), and its rows and columns."""
    drawn = mask.astype(np.float32)
    sums, cells = (_at_all_shifts(each, drawn) for each in (score, tissue.astype(np.float32)))
    count = int(tissue.sum())
    share = cells / count
    used = (cells >= _LEAST_HELD * mask.sum()) & (np.abs(share - 0.5) <= 0.5 - _LEAST_SHARE)
    found = np.where(used, sums / count / np.sqrt(np.where(used, share * (1 - share), 1)), -1)
    at = np.unravel_index(int(found.argmax()), found.shape)
    down, across = (int(one) - side * int(one > side // 2) for one, side in zip(at, found.shape, strict=True))
    return float(found[at]), down, across


def _fit(slide: OutlinedCells, cells: F32, inside: Mask, direction: NDArray[np.float64]) -> Fit:
    tissue = slide.tissue
    score = (cells @ direction).astype(np.float32)
    score = (score - score.mean()) / (score.std() + 1e-12)
    field = np.zeros(tissue.shape, np.float32)
    field[tissue] = score
    masks = [(how, covered >= 0.5) for how, covered in slide.transformations()]
    fits = [
        (_correlation(score, mask[tissue]), how)
        for how, mask in masks
        if (mask & tissue).sum() >= LEAST_CELLS
    ]
    best, down, across = _best_shift(field, tissue, inside)
    if max(abs(down), abs(across)) > 1:
        x, y = across * slide.cell_px[0], down * slide.cell_px[1]
        fits.append((best, f"moved by about ({x:+.0f}, {y:+.0f}) px"))
    # Not by a cell's own score: its noise would count as fit.
    near, weight = (
        ndimage.convolve(each.astype(np.float32), _NEIGHBOURS, mode="constant") for each in (field, tissue)
    )
    mean = near[tissue] / np.maximum(weight[tissue], 1)
    grey = np.round(255 * (mean - mean.min()) / (np.ptp(mean) + 1e-12)).astype(np.uint8)
    other, how = max(fits)
    return Fit(
        _correlation(score, inside[tissue]), other, how, _correlation(score, grey > otsu_threshold(grey))
    )


def _differences(slide: OutlinedCells, inside: Mask) -> tuple[F32, NDArray[np.float64], NDArray[np.float64]]:
    """Compare the cells inside with those outside.

    Returns:
        Standardised features of the tissue (n, f), difference of their means (f,), covariance within (f, f).
    """
    cells, within = slide.features[slide.tissue], inside[slide.tissue]
    cells = (cells - np.median(cells, axis=0)) / (cells.std(axis=0) + 1e-6)
    parts = [cells[within], cells[~within]]
    means = [part.mean(axis=0, dtype=np.float64) for part in parts]
    rest = np.concatenate([part - mean for part, mean in zip(parts, means, strict=True)])
    return cells, means[0] - means[1], rest.T @ rest / len(rest)


def outline_fits(slides: Sequence[OutlinedCells]) -> list[Fit | None]:
    """Compute the fit of the outlines of each slide, with lesion scores from the other slides.

    Args:
        slides: Outlined slides of a cohort.

    Returns:
        One per slide; None with fewer than `LEAST_CELLS` inside or outside, and for all if less than
        `LEAST_SLIDES` are left.

    Source:
        Linear discriminant analysis; Fisher 1936, The use of multiple measurements in taxonomic problems.
        Departures: features are standardised within each slide, since stains differ, and the differences of
        the other slides' means are averaged by their median, since some outlines may be wrong. The
        correlation is the point-biserial one.
    """
    drawn = [slide.covered() >= 0.5 for slide in slides]
    counts = [
        (int(mask[one.tissue].sum()), int(one.tissue.sum())) for mask, one in zip(drawn, slides, strict=True)
    ]
    used = [at for at, (inside, both) in enumerate(counts) if LEAST_CELLS <= inside <= both - LEAST_CELLS]
    fits: list[Fit | None] = [None] * len(slides)
    if len(used) < LEAST_SLIDES:
        return fits
    measured = [_differences(slides[at], drawn[at]) for at in used]
    differences = np.array([difference for _, difference, _ in measured])
    within = np.mean([covariance for _, _, covariance in measured], axis=0)
    within += _RIDGE * np.eye(len(within))
    for number, at in enumerate(used):
        direction = np.linalg.solve(within, np.median(np.delete(differences, number, axis=0), axis=0))
        fits[at] = _fit(slides[at], measured[number][0], drawn[at], direction)
    return fits


def _modified_z_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances from the median in units of 1.4826 median absolute deviations, at least 0.05."""
    distance = values - np.median(values)
    return np.asarray(distance / max(1.4826 * float(np.median(np.abs(distance))), _LEAST_DEVIATION))


def implausible(slides: Sequence[OutlinedCells], fits: Sequence[Fit | None]) -> dict[int, str]:
    """Find the slides with outlines that fit worse than those of the others.

    Args:
        slides: Outlined slides of a cohort.
        fits: Their fits.

    Returns:
        Number of a slide to the reason. None is flagged where the lesions of the cohort do not differ in
        appearance from the rest. Slides with lesions that are not outlined are not flagged: other lesions may
        lie outside the outlines.
    """
    known = {at: fit for at, fit in enumerate(fits) if fit is not None}
    if not known or np.median([fit.own for fit in known.values()]) < _LEAST_MEDIAN_FIT:
        return {}
    best = np.array([[fit.other, fit.free] for fit in known.values()])
    ratios = np.array([[fit.own] for fit in known.values()]) / np.maximum(best, 1e-6)
    scores = np.column_stack([_modified_z_scores(column) for column in ratios.T])
    found = ((ratios <= _LARGEST_RATIOS) & (scores <= _LOWEST_SCORE)).any(axis=1)
    return {
        at: _reason(fit)
        for (at, fit), unlike in zip(known.items(), found, strict=True)
        if unlike and slides[at].exhaustive
    }


def _reason(fit: Fit) -> str:
    seen = "the appearance of the other slides' lesions"
    how, clearly = fit.transformation, fit.own <= _LARGEST_RATIOS[0] * fit.other
    if how and clearly and fit.other >= _REPORTED_FROM * fit.free:
        return f"{how}, its outlines would fit {seen} (correlation {fit.other:.2f}, now {fit.own:.2f})"
    return f"its outlines do not fit {seen} (correlation {fit.own:.2f}, other areas {fit.free:.2f})"
