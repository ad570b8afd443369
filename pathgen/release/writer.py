"""Write a release bundle, complete or not at all."""

import shutil
from pathlib import Path

import pandas as pd

from pathgen.core import layout
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.files import atomic_folder, sha256_of, write_json
from pathgen.export.api import export_patch_set
from pathgen.export.format import FormatName, batches
from pathgen.patches.parquet import read_table
from pathgen.patches.store import INDEX_FILE, write_patch_set
from pathgen.release.croissant import croissant
from pathgen.release.datasheet import description, write_texts
from pathgen.release.gate import reasons_against, stale_results
from pathgen.release.release_inputs import ReleaseInputs, read_inputs

_DATA = "data"
_CHECKSUMS = "SHA256SUMS"
# Folder in which torchvision's PCAM looks for its files.
_FOLDERS = {"imagefolder": _DATA, "parquet": _DATA, "pcam": f"{_DATA}/pcam"}


def release(root: Path, generator: str, out: Path, form: FormatName) -> None:
    """Write the release of one generator's synthetic set, or raise every reason against it.

    Args:
        root: Checkout with a finished study.
        generator: Name of the generator, e.g. ``dcgan``.
        out: Folder to write; it must not exist or must be empty.
        form: Format of the patches, see `pathgen.export.api.export_patch_set`.

    Raises:
        PathgenErrors: Results are missing or stale, or may not be released; all reasons at once. Nothing is
            written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PathgenError(out, "exists already", "Name another folder, or remove it")
    study = read_inputs(root, generator)
    reasons = [*stale_results(root, generator), *reasons_against(study)]
    if reasons:
        raise PathgenErrors(reasons)
    write_bundle(study, out, form)


def write_bundle(study: ReleaseInputs, out: Path, form: FormatName) -> None:
    """Write a bundle without asking whether it may be released (see `release`).

    Args:
        study: Study to release.
        out: Folder to write; it appears when it is complete.
        form: Format of the patches.
    """
    with atomic_folder(out) as draft:
        index = _export(study, draft, form)
        sums = _checksums(draft)
        shutil.copyfile(study.root / layout.REPORT / "index.html", draft / "report.html")
        write_texts(study, form, list(index.columns), draft)
        if study.settings.licence_file is not None:
            shutil.copyfile(study.root / study.settings.licence_file, draft / "LICENSE.txt")
        metadata = croissant(study.settings, form, index, sums, description(study))
        write_json(draft / "croissant.json", metadata)
        lines = [f"{digest}  {path}\n" for path, digest in (sums | _checksums(draft, but=_DATA)).items()]
        (draft / _CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _export(study: ReleaseInputs, draft: Path, form: FormatName) -> pd.DataFrame:
    """Export both classes as one set, and return its table."""
    both, target = draft / ".both", draft / _FOLDERS[form]
    sets = list(study.sets.values())
    images = (patches.images[rows] for patches in sets for rows in batches(len(patches)))
    index = pd.concat([patches.index for patches in sets], ignore_index=True)
    write_patch_set(both, index, study.side_px, images)
    export_patch_set(both, target, form, "train" if form == "pcam" else None)
    index = read_table(both / INDEX_FILE)
    shutil.rmtree(both)
    return index


def _checksums(folder: Path, but: str | None = None) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder, by its path there, sorted."""
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name.as_posix(): sha256_of(path) for name, path in files.items() if name.parts[0] != but}
