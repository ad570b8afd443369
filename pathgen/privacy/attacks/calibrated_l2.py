"""Calibrated GAN-Leaks: pixel distance to the synthetic set minus that to the reference patches."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="calibrated_l2",
    question="Does the pixel distance to the synthetic set, relative to reference patches, "
    "distinguish training patches from unseen ones?",
    score=lambda features: features.reference_distance["l2"] - features.distance["l2"],
    source="GAN-Leaks, calibrated: Chen et al. 2020, section 4",
)
