"""What an audit measured that has no part in its verdict, in words for a reader who knows none of it.

Pure functions; why these measures decide nothing is told in docs/decisions/0017-privacy.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pathgen.report.tables import NOT_PUBLISHED
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.table import Table

# Attack to how it is called here; its two questions: ending, scale and what is counted.
_ATTACKS: Mapping[str, str] = {
    "shadow": "A network that the attacker trains on the synthetic patches",
    "discriminator": "The discriminator that was trained with the generator",
}
_QUESTIONS: Sequence[tuple[str, int, str]] = (
    ("_auc", 100, "picks the right one of two, of 100"),
    ("_tpr", 1000, "names, of 1,000 (10 of 1,000 others wrongly)"),
)
# Published scores in the order in which their questions follow on each other.
_SCORES: Sequence[str] = (
    *("k_count", "distance_ratio", "closest_distance_ratio", "neighbour_ratio"),
    *("data_copying", "data_copying_share", "authenticity"),
)
_READINGS: Mapping[str, str] = {
    "value": "this set",
    "expected": "without a leak",
    "on_copies": "nothing but copies",
    "on_shrunken_variety": "little variety, no copy",
}
# Meehan et al. 2020: C_T below it is called copying.
_COPYING = -3.0


def attacks_table(metrics: Mapping[str, Any], labels: Sequence[str]) -> Table | None:
    """List the membership attacks without a part in the verdict.

    Args:
        metrics: Flat measures of an audit, by the names that docs/metrics.md explains.
        labels: The audited classes.

    Returns:
        One line per attack and question, one column per class; None when none was run.
    """
    lines = []
    for attack, called in _ATTACKS.items():
        for ending, scale, counted in _QUESTIONS:
            keys = [f"privacy/{label}/{attack}{ending}" for label in labels]
            if all(metrics.get(key) is None for key in keys):
                continue
            guesses = [metrics[f"{key}/expected"] for key in keys if f"{key}/expected" in metrics]
            guess = f"{scale * guesses[0]:.0f} by guessing" if guesses else NOT_PUBLISHED
            lines.append([f"{called}: {counted}", guess, *(_reached(metrics, key, scale) for key in keys)])
    if not lines:
        return None
    weak = [
        f"{100 * metrics[key]:.0f}"
        for label in labels
        if metrics.get(key := f"privacy/{label}/shadow_on_copies_auc") is not None
    ]
    control = (
        f" (of a set of nothing but copies it picks the right one only {' and '.join(weak)} times of 100)"
        if weak
        else ""
    )
    caption = (
        "Attacks without a part in the verdict, nor in the numbers above. The attacker’s network is too weak "
        f"for its silence to mean anything{control}; the generator’s own discriminator tells what passing on "
        "that network would give away, not the patches. “By chance”: how many of 100 sets without any leak "
        "would look at least as bad to this attack alone; of several attacks some look bad by chance."
    )
    head = ["attack", "for comparison", *(f"{LABEL_WORDS.get(label, label)} patches" for label in labels)]
    return Table(caption, head, lines)


def _reached(metrics: Mapping[str, Any], key: str, scale: int) -> str:
    value, high, chance = (metrics.get(f"{key}{part}") for part in ("", "/high", "/p_value"))
    if value is None:
        return NOT_PUBLISHED
    said = [f"{scale * value:.0f}"]
    if high is not None:
        said.append(f"at most {scale * high:.0f}")
    if chance is not None:
        said.append(f"by chance: {'under 0.1' if chance < 0.001 else f'{100 * chance:.2g}'}")
    return "\n".join(said)


def scores_table(labels: Mapping[str, Mapping[str, Any]]) -> Table | None:
    """List the published scores of copying beside what they read where the answer is known.

    Args:
        labels: Label to its audit, with ``descriptions``.

    Returns:
        One line per score; in each cell one line per class. None when no audit has any.
    """
    described = {label: audit["descriptions"] for label, audit in labels.items() if audit.get("descriptions")}
    if not described:
        return None
    names = list(dict.fromkeys(name for scores in described.values() for name in scores))
    lines = []
    for name in sorted(names, key=lambda name: _SCORES.index(name) if name in _SCORES else len(_SCORES)):
        having = {label: scores[name] for label, scores in described.items() if name in scores}
        question = str(next(iter(having.values())).get("question", name))
        cells = ["\n".join(_score(label, score, key) for label, score in having.items()) for key in _READINGS]
        lines.append([question, *cells])
    caption = (
        "Published scores of copying, without a part in the verdict: each compares distances of different "
        "sets, so it falls where patches were copied, and also where a generator merely draws with little "
        "variety. The last two columns show that: what it reads on nothing but copies, and on originals made "
        "less varied, none of them a copy."
    )
    return Table(f"{caption}{_called_copying(described)}", ["score", *_READINGS.values()], lines)


def _score(label: str, score: Mapping[str, Any], key: str) -> str:
    value = score.get(key)
    said = NOT_PUBLISHED if value is None else f"{value:.2f}".replace("-", "−")
    return f"{LABEL_WORDS.get(label, label)}\N{NO-BREAK SPACE}{said}"


def _called_copying(described: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Say so where a set lies beyond the mark below which C_T is called copying."""
    called = [
        LABEL_WORDS.get(label, label)
        for label, scores in described.items()
        if (scores.get("data_copying", {}).get("value") or 0.0) < _COPYING
    ]
    if not called:
        return ""
    return (
        f" By C_T, which calls everything below −3 copying, the {' and '.join(called)} patches would count "
        "as copied: either they were, or their variety is little, and this score cannot tell which."
    )
