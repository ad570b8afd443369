"""Share of synthetic patches that are closer to a training patch than to an unseen one, by pixels."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="closer_l2",
    question="Are synthetic patches closer to training patches than to unseen ones (pixel differences)?",
    score=lambda features: features.votes["l2"],
    source="Platzer and Reutterer 2021",
    kind="votes",
)
