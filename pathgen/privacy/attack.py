"""A membership-inference attack that the verdict rests on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pathgen.privacy.attack_features import AttackFeatures


@dataclass(frozen=True)
class Attack:
    """A membership-inference attack.

    Attributes:
        name: Name on disk and in MLflow.
        question: Question whose answer "yes" means leakage.
        score: Function that returns one number per patch of the pool, (P,), higher for members.
        source: Publication.
        kind: ``score``: the AUC and the true-positive rates of the numbers are tested. ``votes``: the numbers
            are counts of synthetic patches, and the share of the members is tested.
    """

    name: str
    question: str
    score: Callable[[AttackFeatures], NDArray[np.float64]]
    source: str
    kind: Literal["score", "votes"] = "score"

    @property
    def questions(self) -> Mapping[str, str]:
        """Question of each test by the ending of its name."""
        if self.kind == "votes":
            return {"": self.question}
        stem = self.question.removesuffix("?")
        return {
            "_auc": self.question,
            "_tpr": f"{stem} at a false-positive rate of 1 %?",
            "_strict_tpr": f"{stem} at a false-positive rate of 0.1 %?",
        }
