"""DOMIAS: density of synthetic over that of reference patches."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="domias",
    question="Does the density of synthetic patches, relative to reference patches, distinguish "
    "training patches from unseen ones?",
    score=lambda features: features.density_ratio,
    source="DOMIAS: van Breugel et al. 2023, eq. 2",
)
