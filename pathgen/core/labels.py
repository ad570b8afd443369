"""The two classes, named as in Camelyon16. The positive class is tumor."""

from typing import Literal

Label = Literal["normal", "tumor"]
LABELS: tuple[Label, Label] = ("normal", "tumor")
