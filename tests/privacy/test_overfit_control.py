"""An overfitted generator reproduces its training patches, blurred."""

import numpy as np
import pytest
import torch
from factories.privacy_sets import tissue

from pathgen.privacy import overfit_control
from pathgen.privacy.neighbours import nearest_both_ways
from pathgen.privacy.overfit_control import overfitted


def samples_of(images: np.ndarray, count: int, seed: int = 1) -> np.ndarray:
    overfit_control._overfitted.cache_clear()
    return overfitted(images, count, seed=seed, device="cpu")


@pytest.mark.parametrize("side", [16, 19])
def test_overfitted_samples_resemble_their_patches_but_are_no_copies(side: int) -> None:
    trained, unseen = tissue(1, 20, side), tissue(2, 20, side)
    samples = samples_of(trained, 50)
    assert samples.shape == (50, side, side, 3) and samples.dtype == np.uint8
    nearest, _ = nearest_both_ways(samples, np.concatenate([trained, unseen]), measure="ncc", k=1)
    np.testing.assert_array_equal(nearest.index[:, 0], np.arange(50) % 20)
    # Blurred, and different between samples of the same patch.
    assert 0.005 < np.median(nearest.distance) < 0.3
    assert (samples[:20] != samples[20:40]).any(axis=(1, 2, 3)).all()


def test_overfitted_samples_do_not_depend_on_threads() -> None:
    trained = tissue(1, 20, 16)
    first = samples_of(trained, 20)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        np.testing.assert_array_equal(samples_of(trained, 20), first)
    finally:
        torch.set_num_threads(threads)
    assert (samples_of(trained, 20, seed=2) != first).any()


def test_overfitted_generator_is_trained_once_for_the_same_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = tissue(1, 20, 16)
    first = samples_of(trained, 20)
    monkeypatch.setattr(overfit_control, "_network", lambda *_: pytest.fail("trained again"))
    again = overfitted(trained, 20, seed=1, device="cpu")
    np.testing.assert_array_equal(again, first)
    first[:] = 0  # A caller's change must not reach the next one.
    assert overfitted(trained, 20, seed=1, device="cpu").any()
    with pytest.raises(pytest.fail.Exception):
        overfitted(trained[:19], 20, seed=1, device="cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_overfitted_on_gpu_resembles_the_patches() -> None:
    trained = tissue(1, 20, 16)
    samples = overfitted(trained, 20, seed=1, device="cuda")
    nearest, _ = nearest_both_ways(samples, trained, measure="ncc", k=1)
    np.testing.assert_array_equal(nearest.index[:, 0], np.arange(20))
