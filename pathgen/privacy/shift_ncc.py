"""Largest correlation over small translations: all shifts of a translation-invariant shortlist of pairs.

The Fourier magnitudes of a patch do not change when it is translated, apart from its border, and rotate when
it is rotated. So the pairs with the most similar magnitudes over all orientations form the shortlist.
"""

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray

from pathgen.privacy.d4_ncc import SYMMETRIES, apply_symmetry
from pathgen.privacy.neighbours import Nearest, PixelMeasure, most_similar, nearest_both_ways, one_thread_each
from pathgen.privacy.settings import PrivacySettings

# Compression changes finer detail. With 8 as well as with 16, all of 300 copies that were rotated, shifted by
# 3 px and compressed as JPEG 80 ranked first among 4,000 patches (phantom, 32 px).
_HIGHEST_FREQUENCY = 10
# Number of complex values per block of products, which should fit into the processor cache.
_PRODUCT_VALUES = 350_000
_CHUNK = 512


def magnitudes(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Compute the Fourier magnitudes of each channel, which do not depend on the position of the pattern.

    Args:
        images: Square RGB patches, uint8 (N, S, S, 3).

    Returns:
        Square roots of the magnitudes under a Hann window, with mean 0 and norm 1 per patch, (N, F, F, 3),
        F odd, frequency 0 in the centre. They rotate and mirror with the patch.
    """
    side = images.shape[1]
    highest = min(_HIGHEST_FREQUENCY, (side - 1) // 2)
    window = np.sin(np.pi * (np.arange(side) + 0.5) / side).astype(np.float32) ** 2
    values = images.astype(np.float32)
    values -= values.mean(axis=(1, 2), keepdims=True)
    values *= window[:, None, None] * window[:, None]
    spectrum = np.sqrt(np.abs(scipy.fft.fft2(values, axes=(1, 2))))
    # From -highest to highest, without the Nyquist frequency, which has no counterpart.
    kept = np.arange(-highest, highest + 1)
    spectrum = spectrum[:, kept][:, :, kept]
    spectrum -= spectrum.mean(axis=(1, 2, 3), keepdims=True)
    length = np.sqrt(np.einsum("nyxc,nyxc->n", spectrum, spectrum))[:, None, None, None]
    scaled: NDArray[np.float32] = spectrum / np.maximum(length, np.float32(1e-3))
    return scaled


def _centred(images: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Subtract the rounded mean from each patch; sums of integers are exact."""
    mean = np.rint(images.mean(axis=(1, 2, 3), keepdims=True)).astype(np.int32)
    return np.asarray(images - mean, dtype=np.int32)


def _overlap_sums(images: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """Sum images (N, S, S) over the pixels p with p + d inside, for all shifts d in [-reach, reach]^2."""
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
    """Return the sum and the sum of squared deviations of each overlap over all channels, (N, V, V) each."""
    shift = np.abs(np.arange(-reach, reach + 1))
    count = np.outer(images.shape[1] - shift, images.shape[1] - shift) * images.shape[3]
    totals, spreads = [], []
    for start in range(0, len(images), _CHUNK):
        values = _centred(images[start : start + _CHUNK])
        total = _overlap_sums(values.sum(axis=3, dtype=np.int64), reach).astype(np.float64)
        squares = _overlap_sums((values * values).sum(axis=3, dtype=np.int64), reach)
        totals.append(total)
        spreads.append(squares - total * total / count)
    return np.concatenate(totals), np.concatenate(spreads)


def shifted_correlations(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    pairs: NDArray[np.int64],
    settings: PrivacySettings,
    device: str = "cpu",
) -> NDArray[np.float64]:
    """Compute the largest correlation of pairs of patches over all orientations and shifts.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        pairs: Rows of `left` and of `right`, (P, 2); fastest if sorted by the first.
        settings: Settings with the orientations and shifts; a shift is below half of the side.
        device: Torch device.

    Returns:
        Largest normalised cross-correlation over the overlap of each pair, (P,), with an error of about 1e-6;
        0 for a uniform overlap.

    Source:
        Padfield 2012 (masked normalised cross-correlation): means and norms are those of the overlap.
    """
    side, reach = left.shape[1], settings.max_shift_px
    assert 2 * reach < side, "patches must overlap by more than half"
    padded = int(scipy.fft.next_fast_len(side + reach, real=True))
    frequency = torch.arange(padded // 2 + 1)
    shifts = torch.arange(-reach, reach + 1)
    # Inverse transform at the few required shifts only: two small products instead of a whole transform.
    down = torch.exp(2j * np.pi / padded * shifts[:, None] * torch.arange(padded)[None, :])
    twice = torch.where(
        (frequency == 0) | (2 * frequency == padded), 1.0, 2.0
    )  # for the half that rfft2 omits
    across = torch.exp(2j * np.pi / padded * frequency[:, None] * shifts[None, :]) * twice[:, None]
    down = (down / padded**2).to(torch.complex64).to(device)  # (V, F)
    across = across.to(torch.complex64).to(device)  # (F / 2 + 1, V)
    overlap = side - shifts.abs()
    count = (overlap[:, None] * overlap * 3).to(torch.float64).to(device)  # (V, V)
    orientations = SYMMETRIES if settings.symmetries == "square" else 1

    lefts, at_left = np.unique(pairs[:, 0], return_inverse=True)
    rights, at_right = np.unique(pairs[:, 1], return_inverse=True)
    # The overlaps rotate with the patch.
    left_moments = [
        np.stack([apply_symmetry(moment[..., None], g)[..., 0] for g in range(orientations)])  # (G, l, V, V)
        for moment in _overlap_moments(np.asarray(left[lefts]), reach)
    ]
    # At shift d, pixel p of the left patch is at p + d of the right one, whose own shift is -d.
    right_moments = [moment[:, ::-1, ::-1] for moment in _overlap_moments(np.asarray(right[rights]), reach)]

    def spectra(images: NDArray[np.int32]) -> torch.Tensor:  # (N, S, S, 3) -> (N, 3, F, F / 2 + 1)
        values = images.transpose(0, 3, 1, 2).astype(np.float32, order="C")
        spectrum: torch.Tensor = torch.fft.rfft2(torch.from_numpy(values).to(device), s=(padded, padded))
        return spectrum

    def on_device(values: NDArray[np.float64]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    at_a_time = max(1, _PRODUCT_VALUES // (orientations * padded * len(frequency)))

    def correlated(start: int) -> NDArray[np.float64]:
        chunk = slice(start, start + at_a_time)
        few_lefts, which_left = np.unique(at_left[chunk], return_inverse=True)
        few_rights, which_right = np.unique(at_right[chunk], return_inverse=True)
        here = _centred(left[lefts[few_lefts]])
        rotated = np.concatenate([apply_symmetry(here, g) for g in range(orientations)])  # (G * l, S, S, 3)
        of_left = spectra(rotated).conj().reshape(orientations, len(few_lefts), 3, padded, -1)
        of_right = spectra(_centred(right[rights[few_rights]]))
        product = of_left[:, which_left, 0] * of_right[which_right, 0]  # (G, P, F, F / 2 + 1)
        for channel in (1, 2):
            product.addcmul_(of_left[:, which_left, channel], of_right[which_right, channel])
        sums = ((down @ product) @ across).real.double()  # (G, P, V, V)
        left_total, left_spread = (on_device(moment[:, at_left[chunk]]) for moment in left_moments)
        total, spread = (on_device(moment[at_right[chunk]]) for moment in right_moments)
        norm = torch.sqrt(left_spread * spread)
        # Sums of integers are exact, so that a uniform overlap has norm 0.
        value = torch.where(norm > 0.5, (sums - left_total * total / count) / norm.clamp(min=0.5), 0.0)
        return value.amax(dim=(0, 2, 3)).cpu().numpy()

    with one_thread_each() as pool:
        found = list(pool.map(correlated, range(0, len(pairs), at_a_time)))
    return np.concatenate(found)


def _nearest_of(
    rows: NDArray[np.int64], others: NDArray[np.int64], distance: NDArray[np.float64], count: int
) -> Nearest:
    """Return the nearest partner of each row among the pairs; ties: the lower row first."""
    order = np.lexsort((others, distance, rows))
    first = np.flatnonzero(np.diff(rows[order], prepend=-1))
    assert len(first) == count, "each row has a pair"
    best = order[first]
    return Nearest(others[best][:, None], distance[best][:, None])


def nearest_shifted(
    left: NDArray[np.uint8], right: NDArray[np.uint8], settings: PrivacySettings, device: str = "cpu"
) -> tuple[Nearest, Nearest]:
    """Find the nearest patch of the other set by correlation over orientations and shifts.

    All pairs are compared without shifts. Over all shifts, each patch is compared with its nearest patch
    without shifts and with the patches of its shortlist, in both directions.

    Args:
        left: Square RGB patches, uint8 (L, S, S, 3).
        right: Square RGB patches, uint8 (R, S, S, 3).
        settings: Settings with the orientations, the shifts and the size of the shortlist.
        device: Torch device.

    Returns:
        Nearest patch in `right` of each patch in `left`, and the reverse (k = 1); the distance is 1 minus
        the correlation.
    """
    square = settings.symmetries == "square"
    measure: PixelMeasure = "ncc-square" if square else "ncc"
    unshifted = nearest_both_ways(left, right, measure=measure, k=1, device=device)
    if settings.max_shift_px == 0:
        return unshifted
    shortlist = settings.shift_shortlist
    similar = most_similar(left, right, magnitudes, square=square, k=shortlist, device=device)
    every_left, every_right = np.arange(len(left))[:, None], np.arange(len(right))[:, None]
    (_, of_left), (_, of_right) = similar
    numbers = [
        *((every_left * len(right) + i).ravel() for i in (unshifted[0].index, of_left.cpu().numpy())),
        *((every_right + len(right) * i).ravel() for i in (unshifted[1].index, of_right.cpu().numpy())),
    ]
    pairs = np.stack(np.divmod(np.unique(np.concatenate(numbers)), len(right)), axis=1)  # (P, 2)
    distance = np.maximum(1.0 - shifted_correlations(left, right, pairs, settings, device), 0.0)
    return (
        _nearest_of(pairs[:, 0], pairs[:, 1], distance, len(left)),
        _nearest_of(pairs[:, 1], pairs[:, 0], distance, len(right)),
    )
