"""One annotated outline as a file has it, before anything is made of it."""

from dataclasses import dataclass, field

Point = tuple[float, float]
NO_GROUP = "None"  # as ASAP writes it


@dataclass(frozen=True)
class Outline:
    """An annotation as drawn.

    Attributes:
        name: What the file calls it, for messages.
        group: The file's group or class, ``"None"`` where it has none.
        shell: Vertices (x, y) of the outer ring, level-0 px; the last need not repeat the first. Empty
            when the annotation has no area by its kind (a dot, a line).
        holes: Vertices of the holes.
        within: The groups that the group is part of, nearest first; empty where groups do not nest.
    """

    name: str
    group: str
    shell: list[Point]
    holes: list[list[Point]]
    within: list[str] = field(default_factory=list)
