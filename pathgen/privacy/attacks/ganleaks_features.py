"""GAN-Leaks: distance to the nearest synthetic patch, by colour and texture."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="ganleaks_features",
    question="Does the similarity of colour and texture to the synthetic set distinguish training "
    "patches from unseen ones?",
    score=lambda features: -features.distance["features"],
    source="GAN-Leaks, black box: Chen et al. 2020, section 4",
)
