"""GAN-Leaks: distance to the nearest synthetic patch, by correlation."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="ganleaks_ncc",
    question="Does the correlation with the synthetic set distinguish training patches from unseen ones?",
    score=lambda features: -features.distance["ncc"],
    source="GAN-Leaks, black box: Chen et al. 2020, section 4",
)
