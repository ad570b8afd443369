"""Write a patch set in a form that other programs read, and make the very same patch set of it again."""

import os
import shutil
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.core.files import atomic_folder, sha256_of
from pathgen.core.progress import progress
from pathgen.export.format import EXPORT_AGAIN, Form, batches
from pathgen.export.imagefolder import IMAGEFOLDER
from pathgen.export.manifest import FormatName, Manifest, checksums, read_manifest, write_manifest
from pathgen.export.parquet import PARQUET
from pathgen.export.pcam import PCAM, prefix_of
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import SPLITS
from pathgen.patches.store import INDEX_FILE, PIXELS_FILE, PatchSet, begin_pixels, open_patch_set

FORMS: dict[FormatName, Form] = {"imagefolder": IMAGEFOLDER, "pcam": PCAM, "parquet": PARQUET}
_MANIFEST = "export.json"
_PREFIXES = ("", *(prefix_of(split) for split in SPLITS))


def _split(patches: PatchSet, folder: Path, asked: str | None) -> str:
    """Return the split whose files a set becomes."""
    if asked is not None:
        return asked
    present = set(patches.index["split"]) if "split" in patches.index.columns else set()
    if len(present) != 1 or not present <= set(SPLITS):
        said = "does not belong to one split, but each of PatchCamelyon's files does"
        raise PathgenError(folder, said, f"Say which with --split {'|'.join(SPLITS)}")
    return str(present.pop())


def _require_room(target: Path, prefix: str) -> None:
    """Refuse to write over anything."""
    hint = "Name another folder, or remove it"
    if not target.name:
        raise PathgenError(target, "is no name for a new folder", "Name the folder, e.g. ../patches")
    if target.is_dir():
        taken = sorted(file for file in target.iterdir() if not prefix or file.name.startswith(prefix))
        if taken:
            raise PathgenError(taken[0], "exists already", hint)
    elif target.exists():
        raise PathgenError(target, "exists already and is no folder", hint)


def export_patch_set(folder: Path, target: Path, form: FormatName, split: str | None = None) -> None:
    """Write a patch set in another form.

    Args:
        folder: The patch set.
        target: The folder to write; it must not exist or must be empty. For ``"pcam"`` it may hold the
            files of other splits.
        form: ``"imagefolder"``: PNG files in normal/ and tumor/; ``"pcam"``: HDF5 as PatchCamelyon has
            it; ``"parquet"``: one table with the PNG files in a column.
        split: For ``"pcam"``: train, valid or test; None: the split that the set's table names.

    Raises:
        PathgenError: The set is damaged, its patches are not square, something would be written over, or
            a split is missing.
    """
    patches = open_patch_set(folder)
    count, height, width, _ = patches.images.shape
    if height != width:
        raise PathgenError(folder, f"has patches of {width} x {height} px", "Export only square patches")
    if form != "pcam" and split is not None:
        raise PathgenError("--split", f"does not go with the format {form}", "Leave it out")
    prefix = prefix_of(_split(patches, folder, split)) if form == "pcam" else ""
    _require_room(target, prefix)
    # Files of one split go beside those of others: as a whole folder within, then file by file.
    place = target / f".{prefix}draft" if prefix else target
    with atomic_folder(place) as draft, progress(count, "patches", f"export {folder}") as bar:
        FORMS[form].write(patches, draft, prefix, bar.update)
        shutil.copyfile(folder / INDEX_FILE, draft / f"{prefix}{INDEX_FILE}")
        sums = "".join(checksums(patches.images[rows]) for rows in batches(count))
        manifest = Manifest(
            format=form,
            patches=count,
            side_px=width,
            index_sha256=sha256_of(draft / f"{prefix}{INDEX_FILE}"),
            pixels_crc32=sums,
        )
        write_manifest(draft / f"{prefix}{_MANIFEST}", manifest)
    if prefix:
        # The manifest comes last: without it nothing is taken for an export.
        for file in sorted(place.iterdir(), key=lambda file: (file.name.endswith(_MANIFEST), file.name)):
            file.rename(target / file.name)
        place.rmdir()


def _prefix(source: Path, split: str | None) -> str:
    """Return how the names of the export's files begin."""
    if not source.is_dir():
        raise PathgenError(source, "no such folder", "Correct the path")
    there = [prefix for prefix in _PREFIXES if (source / f"{prefix}{_MANIFEST}").is_file()]
    if split is not None:
        there = [prefix for prefix in there if prefix == prefix_of(split)]
    if not there:
        which = "" if split is None else f" of the split {split}"
        raise PathgenError(
            source,
            f"holds no export{which}: {_MANIFEST} is missing",
            "Only what pathgen export wrote comes back; for other data set cohort.source to patches or pcam",
        )
    if len(there) > 1:
        raise PathgenError(source, "holds several exports", f"Say which with --split {'|'.join(SPLITS)}")
    return there[0]


def import_patch_set(source: Path, folder: Path, split: str | None = None) -> None:
    """Make a patch set of its export again, with the same bytes.

    Args:
        source: What `export_patch_set` wrote.
        folder: The patch set to make; it must not exist or must be empty.
        split: Which one, where the folder holds several (PatchCamelyon's form).

    Raises:
        PathgenError: A file of the export is missing, damaged or altered (it is named), or something
            would be written over.
    """
    prefix = _prefix(source, split)
    manifest = read_manifest(source / f"{prefix}{_MANIFEST}")
    _require_room(folder, "")
    table = source / f"{prefix}{INDEX_FILE}"
    if not table.is_file():
        raise PathgenError(table, "no such file, but it was exported", EXPORT_AGAIN)
    if sha256_of(table) != manifest.index_sha256:
        raise PathgenError(table, "is not the table that was exported", EXPORT_AGAIN)
    index = read_table(table)
    if len(index) != manifest.patches:
        raise PathgenError(table, f"has {len(index)} rows for {manifest.patches} patches", EXPORT_AGAIN)
    form, side = FORMS[manifest.format], manifest.side_px
    with atomic_folder(folder) as draft, progress(manifest.patches, "patches", f"import {source}") as bar:
        shutil.copyfile(table, draft / INDEX_FILE)
        with (draft / PIXELS_FILE).open("wb") as stream:
            begin_pixels(stream, (manifest.patches, side, side, 3))
            row = 0
            for images in form.read(source, prefix, index, side):
                if (altered := manifest.first_altered(images, row)) is not None:
                    where = form.place(source, prefix, index, altered)
                    raise PathgenError(where, "is not the patch that was exported", EXPORT_AGAIN)
                stream.write(images.data)
                row += len(images)
                bar.update(len(images))
            stream.flush()
            os.fsync(stream.fileno())
        open_patch_set(draft)
