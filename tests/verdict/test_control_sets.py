"""Patch sets of the controls of usefulness."""

from pathlib import Path

import numpy as np
import pytest
from factories.patch_sets import write_set

from pathgen.core.errors import PathgenError
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.run_matrix import ControlName
from pathgen.verdict.control_sets import control_batches, write_control_set

SIDE = 16


def patches(count: int, seed: int) -> np.ndarray:
    """Draw patches with different mean colours and a bright square in the middle."""
    rng = np.random.default_rng(seed)
    images = rng.integers(40, 200, (count, 1, 1, 3)) + rng.integers(-20, 20, (count, SIDE, SIDE, 3))
    images[:, 6:10, 6:10] += 30
    return images.astype(np.uint8)


TRAIN, FRESH = patches(10, 1), patches(30, 2)


def made(control: ControlName, count: int = 25, seed: int = 3) -> np.ndarray:
    return np.concatenate([*control_batches(control, TRAIN, FRESH, label="tumor", count=count, seed=seed)])


def rows_of(images: np.ndarray, source: np.ndarray) -> list[int]:
    """Return the row of the source that has the mean colour of each image."""
    means, known = (one.mean(axis=(1, 2)) for one in (images, source))
    distance = np.abs(means[:, None] - known).max(axis=2)
    assert (distance.min(axis=1) < 0.5).all()
    return distance.argmin(axis=1).tolist()


def test_fresh_control_is_a_draw_of_fresh_originals_without_replacement() -> None:
    images = made("control-fresh")
    rows = rows_of(images, FRESH)
    assert len(set(rows)) == 25
    assert np.array_equal(images, FRESH[rows])
    with pytest.raises(PathgenError, match="has 30 tumor patches, the control needs 31"):
        made("control-fresh", 31)


@pytest.mark.parametrize("control", ["control-noise", "control-blur"])
def test_degraded_controls_keep_the_mean_colours_of_training_patches(control: ControlName) -> None:
    images = made(control)
    rows = rows_of(images, TRAIN)
    assert sorted(np.bincount(rows, minlength=10)) == [2] * 5 + [3] * 5
    assert images.dtype == np.uint8 and images.shape == (25, SIDE, SIDE, 3)
    # The square in the middle is gone.
    middle = images[:, 6:10, 6:10].mean() - images.mean()
    assert TRAIN[:, 6:10, 6:10].mean() - TRAIN.mean() > 25
    assert abs(middle) < 12


def test_noise_is_independent_between_patches_and_pixels() -> None:
    images = made("control-noise", 20)
    first, second = (np.flatnonzero(np.array(rows_of(images, TRAIN)) == 0)).tolist()
    assert abs(np.corrcoef(images[first].ravel(), images[second].ravel())[0, 1]) < 0.2
    correlations = [np.corrcoef(one[:, 1:].ravel(), one[:, :-1].ravel())[0, 1] for one in images[..., 0]]
    assert abs(np.mean(correlations)) < 0.05


@pytest.mark.parametrize("control", ["control-fresh", "control-noise", "control-blur"])
def test_control_depends_on_seed_alone(control: ControlName) -> None:
    assert np.array_equal(made(control), made(control))
    assert not np.array_equal(made(control), made(control, seed=4))


def test_control_set_is_written_like_a_synthetic_one(tmp_path: Path) -> None:
    write_set(tmp_path / "train")
    train: PatchSet = open_patch_set(tmp_path / "train").of_label("tumor")
    write_control_set(tmp_path / "out", "control-blur", train, train, label="tumor", count=40, seed=1)
    written = open_patch_set(tmp_path / "out")
    assert len(written) == 40
    assert set(written.index["label"]) == {"tumor"} and set(written.index["generator"]) == {"control-blur"}
