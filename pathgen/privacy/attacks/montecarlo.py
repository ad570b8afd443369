"""Monte Carlo attack: share of synthetic patches within a radius."""

from pathgen.privacy.attack import Attack

ATTACK = Attack(
    name="montecarlo",
    question="Does the number of synthetic patches nearby distinguish training patches from unseen ones?",
    score=lambda features: features.nearby,
    source="Hilprecht et al. 2019, with the median heuristic",
)
