"""Correlation through small translations: a shortlist that does not see them, then every shift of the few.

The magnitudes of a patch's Fourier transform stay when the patch moves, but for what enters at its border,
and turn when it turns. So patches whose magnitudes correlate, over all turns, are compared for sure.
"""

from typing import Literal

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray

from pathgen.privacy.blocked_knn import Partners, best_partners, one_thread_each
from pathgen.privacy.d4_ncc import SYMMETRIES, best_position, part_slices, parted, turned
from pathgen.privacy.neighbours import Nearest, nearest_both_ways

Symmetries = Literal["identity", "square"]

# Compression changes finer detail. With 8 as with 16, all of 300 copies that were turned, shifted by 3 px and
# compressed as JPEG 80 were the first of 4,000 patches (phantom, 32 px).
_HIGHEST_FREQUENCY = 10
# Complex values of the products worked on at a time: they stay near the processor.
_PRODUCT_VALUES = 350_000
_IMAGES_AT_A_TIME = 512


def magnitudes(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how strong each frequency is in each channel, whatever the place of the pattern.

    Args:
        images: Square RGB patches, uint8 (N, S, S, 3).

    Returns:
        (N, F, F, 3), F odd, the frequency 0 in the middle: turned and mirrored as the patch is. Square roots
        of the magnitudes under a Hann window, centred to sum 0 and scaled to length 1 per patch.
    """
    side = images.shape[1]
    highest = min(_HIGHEST_FREQUENCY, (side - 1) // 2)
    window = np.sin(np.pi * (np.arange(side) + 0.5) / side).astype(np.float32) ** 2
    values = images.astype(np.float32)
    values -= values.mean(axis=(1, 2), keepdims=True)
    values *= window[:, None, None] * window[:, None]
    spectrum = np.sqrt(np.abs(scipy.fft.fft2(values, axes=(1, 2))))
    # From -highest to highest: the row of the Nyquist frequency has no partner to be mirrored to.
    kept = np.arange(-highest, highest + 1)
    spectrum = spectrum[:, kept][:, :, kept]
    spectrum -= spectrum.mean(axis=(1, 2, 3), keepdims=True)
    length = np.sqrt(np.einsum("nyxc,nyxc->n", spectrum, spectrum))[:, None, None, None]
    scaled: NDArray[np.float32] = spectrum / np.maximum(length, np.float32(1e-3))
    return scaled


def alike_in_magnitudes(
    left: NDArray[np.uint8], right: NDArray[np.uint8], *, symmetries: Symmetries, k: int, device: str
) -> tuple[Partners, Partners]:
    """Find for each patch of either set the k of the other with the most similar magnitudes.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        symmetries: Positions in which they are compared.
        k: Partners wanted; fewer where the other set has fewer.
        device: Torch device.

    Returns:
        The partners of the left patches, and of the right ones.
    """
    side = 2 * min(_HIGHEST_FREQUENCY, (left.shape[1] - 1) // 2) + 1
    parts = part_slices(side, 3)

    def rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen = magnitudes(images)
        return seen.reshape(len(seen), -1) if symmetries == "identity" else parted(seen)

    def compare(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a @ b.T if symmetries == "identity" else best_position(a, b, parts)

    return best_partners(
        (len(left), len(right)),
        lambda start, end: rows(left[start:end]),
        lambda start, end: rows(right[start:end]),
        compare,
        k=(min(k, len(right)), min(k, len(left))),
        device=device,
    )


def _centred(images: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Take the mean, rounded, from each patch: whole numbers, so that their sums are exact."""
    mean = np.rint(images.mean(axis=(1, 2, 3), keepdims=True)).astype(np.int32)
    return np.asarray(images - mean, dtype=np.int32)


def _overlap_sums(images: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """Sum images (N, S, S) over the pixels p for which p + d is inside, for shifts d in [-reach, reach]^2."""
    side = images.shape[1]
    table = np.zeros((len(images), side + 1, side + 1), dtype=np.int64)
    np.cumsum(images, axis=1, out=table[:, 1:, 1:])
    np.cumsum(table[:, 1:, 1:], axis=2, out=table[:, 1:, 1:])
    shift = np.arange(-reach, reach + 1)
    start, end = np.maximum(0, -shift), side - np.maximum(0, shift)
    rows = table[:, end] - table[:, start]
    sums: NDArray[np.int64] = rows[:, :, end] - rows[:, :, start]
    return sums


def _overlap_moments(
    images: NDArray[np.uint8], reach: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sum and sum of squared deviations over all channels of each overlap, (N, V, V) each."""
    shift = np.abs(np.arange(-reach, reach + 1))
    count = np.outer(images.shape[1] - shift, images.shape[1] - shift) * images.shape[3]
    totals, spreads = [], []
    for start in range(0, len(images), _IMAGES_AT_A_TIME):
        values = _centred(images[start : start + _IMAGES_AT_A_TIME])
        total = _overlap_sums(values.sum(axis=3, dtype=np.int64), reach).astype(np.float64)
        squares = _overlap_sums((values * values).sum(axis=3, dtype=np.int64), reach)
        totals.append(total)
        spreads.append(squares - total * total / count)
    return np.concatenate(totals), np.concatenate(spreads)


def shifted_correlations(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    pairs: NDArray[np.int64],
    *,
    symmetries: Symmetries,
    max_shift_px: int,
    device: str,
) -> NDArray[np.float64]:
    """Correlate pairs of patches in every position and at every shift, over what overlaps.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        pairs: Rows of `left` and of `right`, (P, 2); sorted by the first they cost least.
        symmetries: Positions in which the left patch is compared.
        max_shift_px: Shifts reach so far along either axis, below half of S.
        device: Torch device.

    Returns:
        The largest normalised cross-correlation of each pair, (P,), right to about 1e-6; 0 for an even
        overlap.

    Source:
        Padfield 2012 (masked normalised cross-correlation): the means and norms are those of the overlap.
    """
    side, reach = left.shape[1], max_shift_px
    assert 2 * reach < side, "patches must overlap by more than half"
    padded = int(scipy.fft.next_fast_len(side + reach, real=True))
    frequency = torch.arange(padded // 2 + 1)
    shifts = torch.arange(-reach, reach + 1)
    # The inverse transform at the few wanted shifts only: two small products instead of a whole transform.
    down = torch.exp(2j * np.pi / padded * shifts[:, None] * torch.arange(padded)[None, :])
    twice = torch.where((frequency == 0) | (2 * frequency == padded), 1.0, 2.0)  # the half that is not held
    across = torch.exp(2j * np.pi / padded * frequency[:, None] * shifts[None, :]) * twice[:, None]
    down = (down / padded**2).to(torch.complex64).to(device)  # (V, F)
    across = across.to(torch.complex64).to(device)  # (F / 2 + 1, V)
    overlap = side - shifts.abs()
    count = (overlap[:, None] * overlap * 3).to(torch.float64).to(device)  # (V, V)
    positions = SYMMETRIES if symmetries == "square" else 1

    lefts, at_left = np.unique(pairs[:, 0], return_inverse=True)
    rights, at_right = np.unique(pairs[:, 1], return_inverse=True)
    # Where the patch turns, its overlaps turn with it.
    left_moments = [
        np.stack([turned(moment[..., None], g)[..., 0] for g in range(positions)])  # (G, l, V, V)
        for moment in _overlap_moments(np.asarray(left[lefts]), reach)
    ]
    # At shift d the pixel p of the left patch lies on p + d of the right one: seen from there, at -d.
    right_moments = [moment[:, ::-1, ::-1] for moment in _overlap_moments(np.asarray(right[rights]), reach)]

    def spectra(images: NDArray[np.int32]) -> torch.Tensor:  # (N, S, S, 3) -> (N, 3, F, F / 2 + 1)
        values = images.transpose(0, 3, 1, 2).astype(np.float32, order="C")
        spectrum: torch.Tensor = torch.fft.rfft2(torch.from_numpy(values).to(device), s=(padded, padded))
        return spectrum

    def on_device(values: NDArray[np.float64]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    at_a_time = max(1, _PRODUCT_VALUES // (positions * padded * len(frequency)))

    def correlated(start: int) -> NDArray[np.float64]:
        chunk = slice(start, start + at_a_time)
        few_lefts, which_left = np.unique(at_left[chunk], return_inverse=True)
        few_rights, which_right = np.unique(at_right[chunk], return_inverse=True)
        here = _centred(left[lefts[few_lefts]])
        turns = np.concatenate([turned(here, g) for g in range(positions)])  # (G * l, S, S, 3)
        of_turns = spectra(turns).conj().reshape(positions, len(few_lefts), 3, padded, -1)
        of_right = spectra(_centred(right[rights[few_rights]]))
        product = of_turns[:, which_left, 0] * of_right[which_right, 0]  # (G, P, F, F / 2 + 1)
        for channel in (1, 2):
            product.addcmul_(of_turns[:, which_left, channel], of_right[which_right, channel])
        sums = ((down @ product) @ across).real.double()  # (G, P, V, V)
        turn_total, turn_spread = (on_device(moment[:, at_left[chunk]]) for moment in left_moments)
        total, spread = (on_device(moment[at_right[chunk]]) for moment in right_moments)
        norm = torch.sqrt(turn_spread * spread)
        # Deviations of whole numbers: an overlap without a pattern has none at all.
        value = torch.where(norm > 0.5, (sums - turn_total * total / count) / norm.clamp(min=0.5), 0.0)
        return value.amax(dim=(0, 2, 3)).cpu().numpy()

    with one_thread_each() as pool:
        found = list(pool.map(correlated, range(0, len(pairs), at_a_time)))
    return np.concatenate(found)


def _least_of(
    rows: NDArray[np.int64], others: NDArray[np.int64], distance: NDArray[np.float64], count: int
) -> Nearest:
    """Return each row's nearest among the pairs; of equal ones the lower. Every row has a pair."""
    order = np.lexsort((others, distance, rows))
    first = np.flatnonzero(np.diff(rows[order], prepend=-1))
    assert len(first) == count, "each row is in some pair"
    best = order[first]
    return Nearest(others[best][:, None], distance[best][:, None])


def nearest_shifted(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    *,
    symmetries: Symmetries,
    max_shift_px: int,
    shortlist: int,
    device: str = "cpu",
) -> tuple[Nearest, Nearest]:
    """Find the nearest patch of the other set by correlation, through positions and shifts.

    Compared exactly are: all pairs unshifted; and through all shifts each patch with its nearest one
    unshifted and with the `shortlist` most similar in magnitudes, in either direction.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        symmetries: Positions in which patches are compared.
        max_shift_px: Shifts reach so far along either axis; 0 compares unshifted.
        shortlist: Partners compared through all shifts.
        device: Torch device.

    Returns:
        The nearest of `right` for each of `left`, and the reverse, k = 1: 1 minus the correlation.
    """
    measure: Literal["ncc", "ncc-square"] = "ncc-square" if symmetries == "square" else "ncc"
    unshifted = nearest_both_ways(left, right, measure=measure, k=1, device=device)
    if max_shift_px == 0:
        return unshifted
    alike = alike_in_magnitudes(left, right, symmetries=symmetries, k=shortlist, device=device)
    every_left, every_right = np.arange(len(left))[:, None], np.arange(len(right))[:, None]
    numbers = [
        (every_left * len(right) + partners.index).ravel() for partners in (unshifted[0], alike[0])
    ] + [(every_right + len(right) * partners.index).ravel() for partners in (unshifted[1], alike[1])]
    pairs = np.stack(np.divmod(np.unique(np.concatenate(numbers)), len(right)), axis=1)  # (P, 2)
    correlation = shifted_correlations(
        left, right, pairs, symmetries=symmetries, max_shift_px=max_shift_px, device=device
    )
    distance = np.maximum(1.0 - correlation, 0.0)
    return (
        _least_of(pairs[:, 0], pairs[:, 1], distance, len(left)),
        _least_of(pairs[:, 1], pairs[:, 0], distance, len(right)),
    )
