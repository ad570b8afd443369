"""Contact sheets: random patches of one class and role, from as many slides as possible."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pathgen.core.seeding import numpy_generator
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import PatchSet
from pathgen.survey.settings import SurveySettings
from pathgen.webpage.display_names import LABEL_WORDS

# Patches are enlarged by an integer factor to about this side.
_SHOWN_PX = 64


@dataclass(frozen=True)
class ContactSheet:
    """Patches of one class and role.

    Attributes:
        label: Class.
        role: Role.
        image: Sheet, uint8 of shape (height, width, 3).
        shown: Number of patches on it.
        patches: Number of patches of the class and role.
        shown_slides: Number of slides on it.
        slides: Number of slides with such patches.
    """

    label: str
    role: str
    image: NDArray[np.uint8]
    shown: int
    patches: int
    shown_slides: int
    slides: int

    @property
    def words(self) -> str:
        """Text alternative of its picture."""
        return f"Contact sheet of {LABEL_WORDS[self.label]} patches, {self.role}"

    @property
    def file(self) -> str:
        """Path of its picture, relative to the page."""
        return f"classes/{self.label}-{self.role}.png"


def spread_rows(slides: pd.Series, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw rows at random, one per slide in turn, until there are enough.

    Args:
        slides: Slide of each row.
        count: Number of rows to draw; all when there are fewer.
        generator: Random generator; it decides the order of the slides and of the rows within each.

    Returns:
        Positions of the rows, ascending, int64 of shape (min(count, n),). No slide has two rows more than
        another unless that one has no more.
    """
    shuffled = generator.permutation(len(slides))
    names = slides.to_numpy(dtype=object)[shuffled]
    table = pd.DataFrame({"row": shuffled, "turn": pd.Series(names).groupby(names).cumcount()})
    # The order of slides within a turn is that of their first rows, which is random already.
    taken = table.sort_values("turn", kind="stable")["row"].to_numpy(dtype=np.int64)[:count]
    return np.sort(taken)


def contact_sheet(patches: PatchSet, label: str, role: str, settings: SurveySettings) -> ContactSheet | None:
    """Lay out patches of a class.

    Args:
        patches: Patch set of one role.
        label: Class.
        role: Role, part of the purpose of the seed.
        settings: Section `survey`.

    Returns:
        Sheet with patches of one slide next to each other; None when the set has no patch of the class.
    """
    of_label = np.flatnonzero(patches.index["label"] == label)
    if len(of_label) == 0:
        return None
    slides = patches.index["slide"].iloc[of_label]
    generator = numpy_generator(settings.seed, "sheet", label, role)
    rows = of_label[spread_rows(slides, settings.sheet_patches, generator)]
    shown = patches.take(rows)
    scale = max(1, round(_SHOWN_PX / shown.images.shape[1]))
    return ContactSheet(
        label=label,
        role=role,
        image=patch_grid(np.asarray(shown.images), settings.sheet_columns, scale),
        shown=len(rows),
        patches=len(of_label),
        shown_slides=shown.index["slide"].nunique(),
        slides=slides.nunique(),
    )
