"""Share of training patches among the originals that a synthetic patch is unusually close to."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="close_ncc",
    question="If a synthetic patch is unusually close to an original patch, is that a training patch?",
    score=lambda features: features.close_votes,
    source="Platzer and Reutterer 2021, restricted to close pairs",
    kind="votes",
)
