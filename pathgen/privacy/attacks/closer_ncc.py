"""Share of synthetic patches that are closer to a training patch than to an unseen one, by correlation."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="closer_ncc",
    question="Are synthetic patches closer to training patches than to unseen ones (correlation)?",
    score=lambda features: features.votes["ncc"],
    source="Platzer and Reutterer 2021",
    kind="votes",
)
