"""Share of synthetic patches that are closer to a training patch than to an unseen one, by texture."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="closer_features",
    question="Are synthetic patches closer to training patches than to unseen ones (colour and texture)?",
    score=lambda features: features.votes["features"],
    source="Platzer and Reutterer 2021",
    kind="votes",
)
