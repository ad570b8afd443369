"""The two classes, named as in Camelyon16. The positive class is tumor."""

from typing import Literal

Label = Literal["normal", "tumor"]
LABELS: tuple[Label, Label] = ("normal", "tumor")


def label_index(label: str) -> int:
    """Return the class index a classifier uses: 0 for normal, 1 for tumor."""
    return LABELS.index(label)
