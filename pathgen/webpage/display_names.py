"""How classes and roles are called for a reader."""

from collections.abc import Mapping

LABEL_WORDS: Mapping[str, str] = {"normal": "normal", "tumor": "tumour"}
#: What patches are counted by, where the slides are known and where they are not.
SLIDES, CONTAINERS = "slides", "containers"
#: On pictures, where room is short.
ROLE_WORDS: Mapping[str, str] = {
    "train": "training",
    "valid": "validation",
    "test": "test",
    "nonmember": "non-member",
    "reference": "reference",
}
#: In tables.
ROLE_EXPLAINED: Mapping[str, str] = {
    "train": "training (members)",
    "valid": "validation",
    "test": "test",
    "nonmember": "non-members, same slides as training",
    "reference": "reference",
}


def counted(count: int, one: str, many: str | None = None) -> str:
    """Write a count and its noun: 1 slide, 2 slides.

    Args:
        count: How many.
        one: The noun for one.
        many: The noun for any other number; by default that for one and an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
