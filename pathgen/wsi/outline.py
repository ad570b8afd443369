"""One annotated outline as stored in a file."""

from dataclasses import dataclass, field

Point = tuple[float, float]
NO_GROUP = "None"  # as ASAP writes it


@dataclass(frozen=True)
class Outline:
    """An annotation as drawn.

    Attributes:
        name: Name in the file, for messages.
        group: Group or class in the file, ``"None"`` if there is none.
        shell: Vertices (x, y) of the outer ring, level-0 px; the last need not repeat the first. Empty
            when the annotation has no area by its kind (a dot, a line).
        holes: Vertices of the holes.
        within: Groups that the group is part of, nearest first.
    """

    name: str
    group: str
    shell: list[Point]
    holes: list[list[Point]]
    within: list[str] = field(default_factory=list)
