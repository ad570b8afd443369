"""Pictures of the page, made from patch sets and picture files."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.pictures import Picture, png_picture, read_picture, read_svg

_OVERLAY_PX = 480
_GALLERY_PX = 2000
# Small patches are shown enlarged, so that nuclei can be seen.
_GRID_PATCH_PX = 56
# Beginning of a picture's file name to its title and explanation.
_PRIVACY_PICTURES = {
    "correlation": (
        "Correlation of synthetic with original patches",
        "Without leakage both outlines coincide; copies would appear at 1 in the solid outline.",
    ),
    "gallery": (
        "Closest pairs",
        "Each row: a synthetic patch, the nearest training patch, and the nearest patch that the generator "
        "has not seen. A copy would equal the patch in the middle.",
    ),
}


def sample_grids(
    root: Path, generators: Iterable[str], count: int, columns: int, *, with_original: bool
) -> dict[str, list[Picture]]:
    """Show patches of each class: original training patches, then each generator's.

    Args:
        root: Checkout.
        generators: Names of the generators.
        count: Number of patches per grid.
        columns: Number of patches per row.
        with_original: Whether original patches may be shown.

    Returns:
        Heading of a class that has any patches, to its pictures.

    Raises:
        PathgenError: A patch set is damaged.
    """
    train = root / layout.TRAIN
    original = open_patch_set(train) if train.is_dir() and with_original else None
    groups = {}
    for label in LABELS:
        word = LABEL_WORDS[label]
        sets = [] if original is None else [("Original", original.of_label(label))]
        for name in generators:
            if (folder := root / layout.synthetic_set(name, label)).is_dir():
                sets.append((f"Synthetic ({name})", open_patch_set(folder)))
        shown = [_grid(f"{kind} {word} patches", patches, count, columns) for kind, patches in sets]
        pictures = [picture for picture in shown if picture is not None]
        if pictures:
            groups[f"{word.capitalize()} patches"] = pictures
    return groups


def _grid(name: str, patches: PatchSet, limit: int, columns: int) -> Picture | None:
    """Show patches evenly spaced in the order of the set, and so over its slides; None for an empty set."""
    count = min(limit, len(patches))
    if count == 0:
        return None
    shown = np.unique(np.linspace(0, len(patches) - 1, count).round().astype(np.int64))
    alt, caption = f"Sheet of {count} {name[0].lower()}{name[1:]}", f"{name}: {count} of {len(patches):,}"
    sheet = png_picture(patch_grid(patches.images[shown], min(columns, len(shown))), alt, caption)
    scale = max(1, round(_GRID_PATCH_PX / patches.images.shape[1]))
    return replace(sheet, width=sheet.width * scale, height=sheet.height * scale)


def overlays(folder: Path, cohort: pd.DataFrame, limit: int) -> list[Picture]:
    """Show slides with the outlines of tissue and lesions, scaled down; slides with tumour first.

    Args:
        folder: Folder of ``{slide}.png``; it may be absent.
        cohort: Cohort table, for the slides' labels.
        limit: Maximum number of slides.

    Raises:
        PathgenError: A picture is damaged.
    """
    labels, splits = (dict(zip(cohort["slide"], cohort[name], strict=True)) for name in ("label", "split"))
    files = sorted(folder.glob("*.png"), key=lambda file: (labels.get(file.stem) != "tumor", file.name))
    shown = []
    for file in files[:limit]:
        label = labels.get(file.stem)
        known = [None if label is None else LABEL_WORDS[label], splits.get(file.stem)]
        details = ", ".join(str(part) for part in known if part is not None)
        caption = f"{file.stem} ({details})" if details else file.stem
        shown.append(read_picture(file, _OVERLAY_PX, f"Slide {file.stem} with its outlines", caption))
    return shown


def privacy_pictures(folders: Mapping[str, Path], *, with_original: bool) -> list[Picture]:
    """Show the pictures of the audits by generator and name: closest pairs, and histograms of correlation.

    Args:
        folders: Generator to the folder of the audit that is shown.
        with_original: Whether pictures that hold original patches, the closest pairs, may be shown.

    Raises:
        PathgenError: A picture is damaged.
    """
    shown = []
    kinds = {"correlation": "svg"} | ({"gallery": "png"} if with_original else {})
    files = [
        (generator, file)
        for generator, folder in sorted(folders.items())
        for file in sorted(
            (file for kind, end in kinds.items() for file in folder.glob(f"pictures/{kind}-*.{end}")),
            key=lambda file: file.name,
        )
    ]
    for generator, file in files:
        kind, _, label = file.stem.partition("-")
        title, explanation = _PRIVACY_PICTURES[kind]
        alt = f"{title}: {LABEL_WORDS[label]}, {generator}"
        caption = f"{alt}. {explanation}"
        if file.suffix == ".svg":
            shown.append(read_svg(file, alt, caption, "Run `dvc repro` again"))
        else:
            shown.append(read_picture(file, _GALLERY_PX, alt, caption))
    return shown
