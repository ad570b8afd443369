"""Names of classes and roles for a reader."""

from collections.abc import Mapping

LABEL_WORDS: Mapping[str, str] = {"normal": "normal", "tumor": "tumour"}
#: Units that patches are counted by: slides, or containers where slides are unknown.
SLIDES, CONTAINERS = "slides", "containers"
#: Short names, for pictures.
ROLE_WORDS: Mapping[str, str] = {
    "train": "training",
    "valid": "validation",
    "test": "test",
    "nonmember": "non-member",
    "reference": "reference",
    "fresh": "fresh",
}
#: Long names, for tables.
ROLE_EXPLAINED: Mapping[str, str] = {
    "train": "training (members)",
    "valid": "validation",
    "test": "test",
    "nonmember": "non-members, same slides as training",
    "reference": "reference",
    "fresh": "fresh originals, a control of usefulness",
}
#: Controls of usefulness.
CONTROL_WORDS: Mapping[str, str] = {
    "control-fresh": "unseen originals",
    "control-noise": "noise in the mean colours of originals",
    "control-blur": "blurred originals",
}


def counted(count: int, one: str, many: str | None = None) -> str:
    """Write a count and its noun: 1 slide, 2 slides.

    Args:
        count: Number of things.
        one: Singular noun.
        many: Plural noun; by default the singular and an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
