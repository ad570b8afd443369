"""GAN-Leaks: distance to the nearest synthetic patch, by pixels."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="ganleaks_l2",
    question="Does the pixel distance to the synthetic set distinguish training patches from unseen ones?",
    score=lambda features: -features.distance["l2"],
    source="GAN-Leaks, black box: Chen et al. 2020, section 4",
)
