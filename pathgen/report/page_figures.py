"""Pictures of the page, made from patch sets and picture files."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import open_patch_set
from pathgen.webpage.display_names import LABEL_WORDS
from pathgen.webpage.pictures import Picture, jpeg_picture, open_picture, png_picture, read_svg

#: Name of the set of original patches.
ORIGINAL = "Original"
# Largest JPEG of a gallery, and of all larger sheets together.
_GALLERY_BYTES, _SHEETS_BYTES = 60_000, 240_000
# Small patches are shown enlarged, so that nuclei can be seen.
_PATCH_PX = 56
# Beginning of a picture's file name to its title.
_PRIVACY_PICTURES = {
    "correlation": "Correlation of synthetic with original patches",
    "gallery": "Closest pairs",
}


@dataclass(frozen=True)
class Sheet:
    """Patches of one set and class.

    Attributes:
        name: Name of the set.
        label: Class.
        image: Patches in rows, uint8 (H, W, 3).
        shown: Number of patches on it.
        patches: Number of patches of the class in the set.
        side_px: Side of a patch, px.
    """

    name: str
    label: str
    image: NDArray[np.uint8]
    shown: int
    patches: int
    side_px: int

    @property
    def caption(self) -> str:
        """Class and number of patches."""
        return f"{LABEL_WORDS[self.label].capitalize()}: {self.shown} of {self.patches:,}"

    def picture(self, at_most_bytes: int | None = None) -> Picture:
        """Return a picture for the page, enlarged by the browser; lossless unless its size is limited."""
        alt = (
            f"Sheet of {self.shown} {LABEL_WORDS[self.label]} patches: {self.name[0].lower()}{self.name[1:]}"
        )
        sheet = (
            png_picture(self.image, alt, self.caption)
            if at_most_bytes is None
            else jpeg_picture(self.image, at_most_bytes, alt, self.caption)
        )
        scale = max(1, round(_PATCH_PX / self.side_px))
        return replace(sheet, width=sheet.width * scale, height=sheet.height * scale)


def patch_sheets(
    root: Path, generators: Iterable[str], count: int, columns: int, *, with_original: bool
) -> dict[str, list[Sheet]]:
    """Show patches evenly spaced in the order of each set, and so over its slides.

    Args:
        root: Checkout.
        generators: Names of the generators.
        count: Maximum number of patches of a class.
        columns: Number of patches per row.
        with_original: Whether original patches may be shown.

    Returns:
        Name of a set (original training patches, then each generator's) to its sheets, one per class; a set
        without patches is absent.

    Raises:
        PathgenError: A patch set is damaged.
    """
    found: dict[str, list[Sheet]] = {}
    for label in LABELS:
        folders = {ORIGINAL: root / layout.TRAIN} if with_original else {}
        folders |= {f"Synthetic ({name})": root / layout.synthetic_set(name, label) for name in generators}
        for name, folder in folders.items():
            if not folder.is_dir():
                continue
            patches = open_patch_set(folder).of_label(label)
            if shown := min(count, len(patches)):
                rows = np.unique(np.linspace(0, len(patches) - 1, shown).round().astype(np.int64))
                image = patch_grid(patches.images[rows], min(columns, shown))
                sheet = Sheet(name, label, image, shown, len(patches), patches.images.shape[1])
                found.setdefault(name, []).append(sheet)
    return found


def sheet_pictures(
    sheets: Mapping[str, Sequence[Sheet]], *, lossless: Collection[str] = ()
) -> dict[str, list[Picture]]:
    """Return the pictures of sheets by the name of their set.

    Args:
        sheets: Name of a set to its sheets.
        lossless: Sets whose pixels are kept; the others share a size.
    """
    share = _SHEETS_BYTES // max(1, sum(map(len, sheets.values())))
    return {
        name: [sheet.picture(None if name in lossless else share) for sheet in of_set]
        for name, of_set in sheets.items()
    }


def privacy_pictures(
    folders: Mapping[str, Path], *, with_original: bool
) -> dict[str, dict[str, list[Picture]]]:
    """Show the pictures of the audits: closest pairs, and histograms of correlation.

    Args:
        folders: Generator to the folder of its audit.
        with_original: Whether pictures that hold original patches, the closest pairs, may be shown.

    Returns:
        Generator to kind (``correlation``, ``gallery``) to one picture per class.

    Raises:
        PathgenError: A picture is damaged.
    """
    shown: dict[str, dict[str, list[Picture]]] = {}
    kinds = {"correlation": "svg"} | ({"gallery": "png"} if with_original else {})
    for (generator, folder), (kind, end) in product(folders.items(), kinds.items()):
        for file in sorted(folder.glob(f"pictures/{kind}-*.{end}")):
            alt = f"{_PRIVACY_PICTURES[kind]}: {LABEL_WORDS[file.stem.partition('-')[2]]}, {generator}"
            if kind == "correlation":
                picture = read_svg(file, alt, alt, "Run `dvc repro` again")
            else:
                picture = jpeg_picture(np.asarray(open_picture(file)), _GALLERY_BYTES, alt, alt)
            shown.setdefault(generator, {}).setdefault(kind, []).append(picture)
    return shown
