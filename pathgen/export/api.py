"""Write a patch set in the format of another program."""

import shutil
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_folder
from pathgen.core.progress import progress
from pathgen.export.format import WRITERS, FormatName
from pathgen.patches.schemas import SPLITS
from pathgen.patches.store import INDEX_FILE, PatchSet, open_patch_set


def export_patch_set(folder: Path, target: Path, form: FormatName, split: str | None = None) -> None:
    """Write a patch set in another format, together with its table ``index.parquet``.

    Args:
        folder: Patch set.
        target: Folder of the export; must not exist or must be empty. For ``"pcam"`` it may hold the files of
            other splits.
        form: ``"imagefolder"``: PNG files in normal/ and tumor/; ``"pcam"``: HDF5 files of PatchCamelyon;
            ``"parquet"``: one table with the PNG files in a column.
        split: Split of the files of ``"pcam"``: train, valid or test; None: the split in the set's table.

    Raises:
        PathgenError: The set is damaged, its patches are not square, a file exists, or the split is missing.
    """
    patches = open_patch_set(folder)
    count, height, width, _ = patches.images.shape
    if height != width:
        raise PathgenError(folder, f"has patches of {width} x {height} px", "Export only square patches")
    if form != "pcam" and split is not None:
        raise PathgenError("--split", f"does not apply to the format {form}", "Leave it out")
    prefix = f"camelyonpatch_level_2_split_{_split(patches, folder, split)}_" if form == "pcam" else ""
    _require_free(target, prefix)
    # Files of one split are written to a folder of their own, then moved next to those of the other splits.
    place = target / f".{prefix}draft" if prefix else target
    with atomic_folder(place) as draft, progress(count, "patches", f"export {folder}") as bar:
        WRITERS[form](patches, draft, bar.update)
        shutil.copyfile(folder / INDEX_FILE, draft / INDEX_FILE)
    if prefix:
        for file in sorted(place.iterdir()):
            file.rename(target / f"{prefix}{file.name}")
        place.rmdir()


def _split(patches: PatchSet, folder: Path, split: str | None) -> str:
    if split is not None:
        return split
    present = set(patches.index["split"]) if "split" in patches.index.columns else set()
    if len(present) != 1 or not present <= set(SPLITS):
        reason = "is not of one split, as each file of PatchCamelyon is"
        raise PathgenError(folder, reason, f"Name it with --split {'|'.join(SPLITS)}")
    return str(present.pop())


def _require_free(target: Path, prefix: str) -> None:
    """Raise an error if the export would overwrite a file."""
    hint = "Name another folder, or remove it"
    if not target.name:
        raise PathgenError(target, "is no name for a new folder", "Name the folder, e.g. ../patches")
    if target.is_dir():
        existing = sorted(file for file in target.iterdir() if not prefix or file.name.startswith(prefix))
        if existing:
            raise PathgenError(existing[0], "exists already", hint)
    elif target.exists():
        raise PathgenError(target, "exists already and is no folder", hint)
