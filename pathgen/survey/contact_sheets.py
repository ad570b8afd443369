"""Contact sheets: patches of one class, drawn at random but from as many slides as can be, role by role."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pathgen.core.seeding import numpy_generator
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import PatchSet
from pathgen.survey.text import font
from pathgen.webpage.display_names import LABEL_WORDS, ROLE_WORDS, SLIDES, counted

# Patches are enlarged by a whole factor to about this side.
_SHOWN_PX = 64
_HEADING_PX = 30
_TEXT_PX = 16


def spread_rows(slides: pd.Series, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw rows at random, one per slide in turn, until there are enough.

    Args:
        slides: The slide of each row.
        count: How many rows to draw; all when there are fewer.
        generator: Random generator; it decides the order of the slides and of the rows within each.

    Returns:
        int64 of shape (min(count, n),): positions of the rows, ascending. No slide has two rows more
        than another unless that one has no more to give.
    """
    shuffled = generator.permutation(len(slides))
    names = slides.to_numpy(dtype=object)[shuffled]
    table = pd.DataFrame({"row": shuffled, "turn": pd.Series(names).groupby(names).cumcount()})
    # The order of slides within a turn is that of their first rows, which is random already.
    taken = table.sort_values("turn", kind="stable")["row"].to_numpy(dtype=np.int64)[:count]
    return np.sort(taken)


def contact_sheet(
    sets: dict[str, PatchSet], label: str, count: int, columns: int, seed: int, holders: str = SLIDES
) -> NDArray[np.uint8]:
    """Lay out patches of a class, role by role, each with a heading.

    Args:
        sets: Role to its patch set.
        label: The class.
        count: At most this many patches per role.
        columns: Patches side by side.
        seed: Seed of the draw.
        holders: What the patches are from, `SLIDES` or `CONTAINERS`.

    Returns:
        uint8 of shape (height, width, 3). Patches of one slide stand together, in the set's order.
    """
    blocks = []
    for role, patches in sets.items():
        of_label = np.flatnonzero(patches.index["label"] == label)
        if len(of_label) == 0:
            continue
        slides = patches.index["slide"].iloc[of_label]
        rows = of_label[spread_rows(slides, count, numpy_generator(seed, "sheet", label, role))]
        shown = patches.take(rows)
        scale = max(1, round(_SHOWN_PX / shown.images.shape[1]))
        grid = patch_grid(np.asarray(shown.images), columns, scale)
        words = (
            f"{LABEL_WORDS[label]}, {ROLE_WORDS[role]}: {len(rows):,} of {len(of_label):,} patches, "
            f"from {shown.index['slide'].nunique():,} of {counted(slides.nunique(), holders[:-1])}"
        )
        blocks.append(_with_heading(grid, words))
    assert blocks, "every class has patches in some role"
    width = max(block.shape[1] for block in blocks)
    padded = [
        np.pad(block, ((0, 0), (0, width - block.shape[1]), (0, 0)), constant_values=255) for block in blocks
    ]
    return np.concatenate(padded)


def _with_heading(grid: NDArray[np.uint8], words: str) -> NDArray[np.uint8]:
    width = max(grid.shape[1], round(font(_TEXT_PX).getlength(words)) + 8)
    sheet = Image.new("RGB", (width, grid.shape[0] + _HEADING_PX), (255, 255, 255))
    ImageDraw.Draw(sheet).text(
        (2, _HEADING_PX // 2), words, fill=(20, 20, 20), font=font(_TEXT_PX), anchor="lm"
    )
    sheet.paste(Image.fromarray(grid), (0, _HEADING_PX))
    return np.asarray(sheet, dtype=np.uint8)
