"""What differential privacy proves of each generator's patches, in words for a reader new to it."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pathgen.core.labels import LABELS
from pathgen.report.load import read_json
from pathgen.webpage.display_names import LABEL_WORDS

# Above it even odds may become all but certainty (e^5 is 148 to 1).
_LITTLE = 5.0


def guarantees(models: Path, generators: Iterable[str]) -> dict[str, str]:
    """Say of each generator what is guaranteed of the patches it draws.

    Args:
        models: Folder that holds ``gan/{generator}-{label}/model.json``.
        generators: Whose patches.

    Returns:
        Generator to a paragraph; none of generators without a model.

    Raises:
        PathgenError: A model.json is damaged.
    """
    said = {}
    for generator in generators:
        cards = {label: read_json(models / "gan" / f"{generator}-{label}" / "model.json") for label in LABELS}
        known = {str(label): card.get("privacy") for label, card in cards.items() if card is not None}
        if known:
            said[generator] = _words(generator, known)
    return said


def _words(generator: str, facts: Mapping[str, Any]) -> str:
    if any(not isinstance(one, Mapping) or one.get("epsilon") is None for one in facts.values()):
        return (
            f"Nothing is proven of the patches of {generator}: the tests look for leaks, and a leak that "
            "none of them sees may still be there. A proof is what differential privacy is for: its noise in "
            "the training limits what anyone can ever find out. This generator was trained without."
        )
    one = next(iter(facts.values()))
    hidden = {"patch": "one certain patch", "patient": "a certain patient"}[one["unit"]]
    bounds = [
        f"at most {_sure(own['epsilon'])} sure after seeing the {LABEL_WORDS[label]} ones (epsilon "
        f"{own['epsilon']:.3g}, delta {own['delta']:.0e}, one of {own['units']:,})"
        for label, own in facts.items()
    ]
    parts = [
        f"Of the patches of {generator} something is proven (differential privacy): who held it for as "
        f"likely as not that {hidden} was among those the generator learnt from may be "
        f"{' and '.join(bounds)}, whatever else they know and whatever they do. Only a chance of delta is "
        "left out."
    ]
    if max(own["epsilon"] for own in facts.values()) > _LITTLE:
        parts.append(
            "So large an epsilon promises little by itself; how much less leaks is what the tests say."
        )
    parts.append(_not_covered(one["unit"], facts))
    parts.append(
        "The noise came from a secret file; the proof holds as long as that is never given out."
        if all(own["secret"] for own in facts.values())
        else "The noise came from the study’s seed, which stands in its settings: against those who know "
        "them nothing is proven. Name a secret file (train_gan.dpdcgan.secret_file) before patches are given "
        "out."
    )
    return " ".join(parts)


def _sure(epsilon: float) -> str:
    """Return what even odds become at most: e^epsilon to 1."""
    share = 100 / (1 + math.exp(-epsilon))
    # Never rounded to certainty, and never down.
    for digits in range(6):
        text = f"{math.ceil(share * 10**digits) / 10**digits:.{digits}f}"
        if float(text) < 100:
            return f"{text} %"
    return "all but 100 %"


def _not_covered(unit: str, facts: Mapping[str, Any]) -> str:
    if unit == "patch":
        who = "A patient with many patches is not hidden by it, as what is proven of each adds up."
    elif len(facts) > 1:
        total = sum(own["epsilon"] for own in facts.values())
        who = (
            f"Of a patient with patches of both kinds the epsilons add up ({total:.3g}); where patients are "
            "not known, a slide stands for one."
        )
    else:
        who = "Where patients are not known, a slide stands for one."
    return (
        f"{who} Not covered are other sets drawn from what learnt from the same patches, the curves and "
        "numbers measured on original patches, and the choice of settings by them."
    )
