"""Patches, settings and pools for tests of the privacy audit."""

import numpy as np

from pathgen.privacy.kernel_density import fit_projection
from pathgen.privacy.nearest_pairs import CandidatePool, ClassPairs
from pathgen.privacy.settings import PrivacySettings

SETTINGS = {
    "seed": 3,
    "confidence": 0.95,
    "significance": 0.01,
    "max_originals": 200,
    "max_synthetic": 500,
    "symmetries": "square",
    "max_shift_px": 0,
    "shift_shortlist": 2,
    "copy_share": 0.05,
    "n_permutations": 5999,
    "shadow_steps": 0,
    "gallery_pairs": 4,
    "exposed_patches": 5,
}


def privacy_settings(**changed: object) -> PrivacySettings:
    """Return settings of a small audit."""
    return PrivacySettings.model_validate({**SETTINGS, **changed})


def noise(seed: int, n: int, side: int = 16) -> np.ndarray:
    """Return patches of uniform noise."""
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def blocks(seed: int, n: int, *, spread: float = 30.0) -> np.ndarray:
    """Return patches of 4 x 4 blocks of random colour with noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(128, spread, (n, 4, 4, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return np.clip(coarse + rng.normal(0, 4, (n, 16, 16, 3)), 0, 255).astype(np.uint8)


def scenes(seed: int, n: int, *, slide_shift: float = 0.0, side: int = 16) -> np.ndarray:
    """Return smooth random fields of varied contrast; some are near the mean and the nearest of many."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    images = np.full((n, side, side, 3), 140.0 + slide_shift)
    strength = rng.lognormal(0, 0.6, (n, 1, 1, 3))
    for a in range(4):
        for b in range(4):
            wave = (np.cos(np.pi * a * y) * np.cos(np.pi * b * x))[None, :, :, None]
            images += strength * rng.normal(0, 18 / (1 + a + b), (n, 1, 1, 3)) * wave
    return np.clip(images + rng.normal(0, 4, images.shape), 0, 255).astype(np.uint8)


def tissue(seed: int, n: int, side: int = 32) -> np.ndarray:
    """Return dark blobs on pink, which resemble nuclei."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side]
    images = np.broadcast_to(np.array([215.0, 160.0, 195.0]), (n, side, side, 3)).copy()
    images += rng.normal(0, 12, (n, 1, 1, 3))
    for _ in range(12):
        row, column, size = rng.uniform(0, side, n), rng.uniform(0, side, n), rng.uniform(1.5, 3.5, n)
        squared = (y - row[:, None, None]) ** 2 + (x - column[:, None, None]) ** 2
        blob = np.exp(-squared / (2 * size[:, None, None] ** 2))[..., None]
        images += blob * (np.array([95.0, 60.0, 140.0]) - images) * 0.9
    return np.clip(images + rng.normal(0, 5, images.shape), 0, 255).astype(np.uint8)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return the normalised cross-correlation of two patches; 0 for a uniform one."""
    x, y = a.astype(float) - a.mean(), b.astype(float) - b.mean()
    norm = np.linalg.norm(x) * np.linalg.norm(y)
    return float((x * y).sum() / norm) if norm else 0.0


def rms(a: np.ndarray, b: np.ndarray) -> float:
    """Return the root mean square difference."""
    return float(np.sqrt(((a.astype(float) - b.astype(float)) ** 2).mean()))


def pool_of(members: np.ndarray, nonmembers: np.ndarray, settings: PrivacySettings) -> CandidatePool:
    """Return a pool with axes fitted to other patches."""
    return CandidatePool(members, nonmembers, fit_projection(noise(99, 30)), settings)


def pairs_of(
    members: np.ndarray,
    nonmembers: np.ndarray,
    reference: np.ndarray,
    synthetic: np.ndarray,
    settings: PrivacySettings,
) -> ClassPairs:
    """Return the pairs of a class whose training patches are all audited."""
    pool = CandidatePool(members, nonmembers, fit_projection(reference), settings)
    return ClassPairs("tumor", pool, members, synthetic, reference)
