"""How classes and roles are called for a reader."""

from collections.abc import Mapping

LABEL_WORDS: Mapping[str, str] = {"normal": "normal", "tumor": "tumour"}
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
