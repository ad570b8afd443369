"""Write sets with a known answer that stand in place of a synthetic one."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.ndimage
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import numpy_generator
from pathgen.patches.store import PatchSet, write_patch_set
from pathgen.run_matrix import ControlName

# Standard deviation of the blur as a share of the side: 4 px at 32 px, where a nucleus is 6 to 15 px wide.
_BLUR_SHARE = 1 / 8
_AT_A_TIME = 1024


def write_control_set(
    folder: Path, control: ControlName, train: PatchSet, fresh: PatchSet, *, label: str, count: int, seed: int
) -> None:
    """Write the patch set of a control for one class.

    Args:
        folder: Folder of the set.
        control: Name of the control, see `control_batches`.
        train: Original training patches of the class.
        fresh: Fresh original patches of the class.
        label: The class.
        count: Number of patches.
        seed: Seed of the draws.

    Raises:
        PathgenError: There are too few fresh patches.
    """
    index = pd.DataFrame({"item": np.arange(count, dtype=np.int64)})
    index = index.assign(label=label, generator=control, seed=np.int64(seed))
    batches = control_batches(control, train.images, fresh.images, label=label, count=count, seed=seed)
    write_patch_set(folder, index, train.images.shape[1], batches)


def control_batches(
    control: ControlName,
    train: NDArray[np.uint8],
    fresh: NDArray[np.uint8],
    *,
    label: str,
    count: int,
    seed: int,
) -> Iterator[NDArray[np.uint8]]:
    """Yield the patches of a control.

    Args:
        control: ``control-fresh``: original patches of the training slides that nothing else uses.
            ``control-noise``: independent uniform noise around the mean colour of a training patch.
            ``control-blur``: a training patch after a Gaussian blur of an eighth of its side.
        train: Original training patches of one class, uint8 (N, H, W, 3). Those of noise and blur are drawn
            without replacement until all are used, and then again.
        fresh: Fresh original patches of the class, uint8 (M, H, W, 3).
        label: The class, for the seed.
        count: Number of patches.
        seed: Seed of the draws.

    Yields:
        Patches, uint8 (b, H, W, 3), b adding up to `count`.

    Raises:
        PathgenError: There are too few fresh patches.
    """
    rng = numpy_generator(seed, control, label)
    if control == "control-fresh":
        if len(fresh) < count:
            reason = f"has {len(fresh)} {label} patches, the control needs {count}"
            raise PathgenError("role fresh", reason, "Raise sample.per_class.fresh, or remove the control")
        source, rows = fresh, rng.permutation(len(fresh))[:count]
    else:
        source, rows = train, np.resize(rng.permutation(len(train)), count)
    for start in range(0, count, _AT_A_TIME):
        images = source[rows[start : start + _AT_A_TIME]]
        if control == "control-noise":
            yield _noise(images, rng)
        elif control == "control-blur":
            yield _blurred(images)
        else:
            yield images


def _blurred(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    sigma = _BLUR_SHARE * images.shape[1]
    # In float32: integers are rounded down after each axis.
    values = scipy.ndimage.gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0), mode="reflect")
    return np.asarray(np.rint(values), dtype=np.uint8)


def _noise(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Replace each patch by noise of the same mean colour.

    The amplitude depends on the mean alone, so that nothing but the mean colour can carry the class. It is
    the largest without clipping, which would move the mean.
    """
    means = images.mean(axis=(1, 2), keepdims=True)  # (N, 1, 1, 3)
    noise = rng.uniform(-1, 1, images.shape)
    noise -= noise.mean(axis=(1, 2), keepdims=True)
    noise /= np.abs(noise).max(axis=(1, 2), keepdims=True)
    return np.asarray(np.rint(means + np.minimum(means, 255 - means) * noise), dtype=np.uint8)
