"""The work of a privacy audit: every set that it looks at, compared with the originals. Arithmetic alone."""

from math import ceil

from pathgen.patches.settings import PerClassSettings
from pathgen.privacy.settings import PrivacySettings

# Of `pathgen.privacy.controls`: copies at most, and drawings of what was learnt by heart.
_MOST_COPIES = 2000
_BY_HEART = 200
# Sets compared with the pool apart from the few copies: two halves of the reference, the synthetic set,
# copies, drawings by heart, shrunken variety.
_SETS = 6
# In products of whole patches in one position, as measured (32 and 64 px): all eight positions of a square
# take two and not eight (`pathgen.privacy.d4_ncc`); beside them the differences of pixels, and the
# magnitudes by which translations are looked for.
_POSITIONS = {"identity": 1.0, "square": 1.9}
_DIFFERENCES, _MAGNITUDES = 1.3, 1.4
# Through translations a pair is correlated in every position; half of the work does not depend on them.
_SHIFTED = {"identity": 0.5, "square": 1.0}
# Two shadow discriminators see 32 patches a step. What is learnt by heart takes 200 steps of 16 patches, by a
# network three times as dear.
_SHADOW_PATCHES = 2 * 32
_LEARNT_PATCHES = 200 * 16 * 3


def audit_work(
    privacy: PrivacySettings, per_class: PerClassSettings, synthetic: int, size_px: int, classes: int
) -> dict[str, float]:
    """Return the units of work of one generator's audit.

    Args:
        privacy: The settings of the audit.
        per_class: Original patches of each role.
        synthetic: Synthetic patches per class.
        size_px: Side of a patch.
        classes: How many classes are audited.

    Returns:
        Name of a rate to its units: ``pixels compared`` (of a pair of patches in one position), ``pixels
        shifted`` (of a pair through all translations), ``pixels learnt`` (by the attackers' networks) and
        ``patches described``.
    """
    originals = min(privacy.max_originals, per_class.train, per_class.nonmember, per_class.reference)
    drawn = min(privacy.max_synthetic, synthetic)
    shifted = privacy.max_shift_px > 0
    few = 3 if shifted or privacy.symmetries == "square" else 2
    planted = ceil(privacy.copy_share / (1 - privacy.copy_share) * drawn)
    seen = drawn + originals + min(originals, _MOST_COPIES) + min(2 * originals, _BY_HEART)
    seen += originals // 2 + few * planted
    learnt = _SHADOW_PATCHES * privacy.shadow_steps + _LEARNT_PATCHES
    pixels = size_px**2 * classes
    return {
        **_comparisons(privacy, originals, seen, _SETS + few, pixels),
        "pixels learnt": pixels * learnt,
        "patches described": classes * (seen + 2 * originals),
    }


def attack_work(
    privacy: PrivacySettings, per_class: PerClassSettings, synthetic: int, size_px: int, classes: int
) -> dict[str, float]:
    """Return the units of work of the attacks alone, without controls (see `audit_work`)."""
    originals = min(privacy.max_originals, per_class.train, per_class.nonmember, per_class.reference)
    seen = min(privacy.max_synthetic, synthetic) + originals  # the synthetic set, and the reference
    pixels = size_px**2 * classes
    return {
        **_comparisons(privacy, originals, seen, 2, pixels),
        "patches described": classes * (seen + 2 * originals),
    }


def _comparisons(
    privacy: PrivacySettings, originals: int, seen: int, sets: int, pixels: int
) -> dict[str, float]:
    """Return the work of comparing so many patches, of so many sets, with members and non-members."""
    shifted = privacy.max_shift_px > 0
    products = _POSITIONS[privacy.symmetries] + _DIFFERENCES + (_MAGNITUDES if shifted else 0.0)
    # Each patch of a set with its partners among members and among non-members, and each of these likewise.
    partners = (1 + privacy.shift_shortlist) * 2 * (seen + sets * originals) if shifted else 0
    return {
        "pixels compared": pixels * 2 * originals * seen * products,
        "pixels shifted": pixels * partners * _SHIFTED[privacy.symmetries],
    }
