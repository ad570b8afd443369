"""Write the pictures beside the page, one per slide and one per class, and make small ones for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_path
from pathgen.core.labels import LABELS
from pathgen.core.progress import tracked
from pathgen.patches.image_grid import save_png
from pathgen.patches.schemas import ROLES
from pathgen.patches.store import open_patch_set
from pathgen.survey.contact_sheets import contact_sheet
from pathgen.survey.legend import with_legend
from pathgen.survey.outliers import Outlier
from pathgen.survey.patch_overlay import mark_patches
from pathgen.survey.slide_rows import SlideLine, kind_of, slide_cells
from pathgen.survey.slide_table import Cohort, remarks
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.pictures import Picture, jpeg_picture

SLIDES_FOLDER, CLASSES_FOLDER = "slides", "classes"
_THUMBNAIL_PX = 240
_THUMBNAIL_BYTES = 24_000
_SHEET_BYTES = 600_000


@dataclass(frozen=True)
class Sheet:
    """A contact sheet on the page."""

    heading: str
    link: str
    shown: Picture


def write_sheets(patches: Path, out: Path, count: int, columns: int, seed: int, holders: str) -> list[Sheet]:
    """Write ``classes/{label}.png`` (see `contact_sheet`).

    Args:
        patches: Folder of one patch set per role.
        out: The page's folder.
        count: At most this many patches per class and role.
        columns: Patches side by side.
        seed: Seed of the draw.
        holders: What the patches are from, slides or containers.

    Returns:
        One sheet per class, for the page.

    Raises:
        PathgenError: A patch set is missing or damaged.
    """
    sets = {role: open_patch_set(patches / role) for role in ROLES}
    sheets = []
    for label in LABELS:
        image = contact_sheet(sets, label, count, columns, seed, holders)
        save_png(image, out / CLASSES_FOLDER / f"{label}.png")
        word = LABEL_WORDS[label]
        shown = jpeg_picture(
            image,
            _SHEET_BYTES,
            f"Contact sheet of {word} patches, role by role",
            f"{word.capitalize()} patches. The link leads to the exact pixels.",
        )
        sheets.append(Sheet(f"{word.capitalize()} patches", f"{CLASSES_FOLDER}/{label}.png", shown))
    return sheets


def _read_overlay(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as opened:
            return np.asarray(opened.convert("RGB"), dtype=np.uint8)
    except (UnidentifiedImageError, OSError, SyntaxError) as problem:
        raise PathgenError(
            path, f"not readable as a picture: {problem}", "Run the stage index again"
        ) from None


def write_slides(cohort: Cohort, outliers: Sequence[Outlier], overlays: Path, out: Path) -> list[SlideLine]:
    """Write ``slides/{slide}.png`` for every slide that has an overlay.

    Args:
        cohort: The cohort.
        outliers: The slides that are unlike the others.
        overlays: Folder of ``{slide}.png`` as the stage index left them; without pictures for sources that
            have no slides.
        out: The page's folder.

    Returns:
        One line per slide in use, for the page.

    Raises:
        PathgenError: An overlay is damaged.
    """
    said = remarks(cohort.facts, outliers)
    by_slide = dict(list(cohort.samples.groupby("slide")))
    rows = cast("list[dict[str, Any]]", cohort.facts.to_dict("records"))
    lines = []
    for number, row in enumerate(tracked(rows, len(rows), "slides", "draw slides")):
        slide = str(row["slide"])
        picture = overlays / f"{slide}.png"
        thumbnail = None
        if picture.exists() and not pd.isna(row["width_px"]):
            patches = by_slide.get(slide, cohort.samples.iloc[:0])
            thumbnail = _write_slide(picture, row, patches, out / SLIDES_FOLDER / f"{slide}.png")
        link = f"{SLIDES_FOLDER}/{quote(slide)}.png" if thumbnail else ""
        lines.append(
            SlideLine(
                name=slide,
                anchor=f"slide-{number + 1}",
                kind=kind_of(row),
                file=str(row["path"]),
                cells=slide_cells(row),
                remarks=said[slide],
                thumbnail=thumbnail,
                link=link,
            )
        )
    return lines


def _write_slide(overlay: Path, row: Mapping[str, Any], patches: pd.DataFrame, file: Path) -> Picture:
    """Write a slide's picture and return it small."""
    outlined = _read_overlay(overlay)
    slide, width_px = str(row["slide"]), int(row["width_px"])
    marked = mark_patches(outlined, patches, (width_px, int(row["height_px"])))
    width_mm = None if pd.isna(row["mpp_x"]) else width_px * float(row["mpp_x"]) / 1000
    title = " · ".join([slide, kind_of(row), *slide_cells(row).get("scan", [])])
    _save_drawing(with_legend(outlined, marked, patches, title, width_mm), file)
    small = Image.fromarray(marked.picture)
    small.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX), Image.Resampling.BOX)
    return jpeg_picture(np.asarray(small), _THUMBNAIL_BYTES, f"Slide {slide} with its drawn patches")


def _save_drawing(image: NDArray[np.uint8], path: Path) -> None:
    """Write PNG of 256 colours: a quarter of the bytes, and of the time; colours change a little."""
    few = Image.fromarray(image).quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    with atomic_path(path) as draft:
        few.save(draft, format="PNG", compress_level=6)
