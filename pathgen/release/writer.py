"""Put a release together: whole, or not at all."""

import shutil
from pathlib import Path

import pandas as pd

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.files import atomic_folder, sha256_of, write_json
from pathgen.export.api import export_patch_set
from pathgen.export.format import batches
from pathgen.export.manifest import FormatName
from pathgen.patches.parquet import read_table
from pathgen.patches.store import INDEX_FILE, PatchSetWriter
from pathgen.release.croissant import croissant
from pathgen.release.datasheet import datasheet
from pathgen.release.gate import reasons_against, stale_reasons
from pathgen.release.inputs import Finished, read_finished
from pathgen.release.stale import stale_stages
from pathgen.release.words import description, licences, readme
from pathgen.report.hashes import CODE_NAME, file_hashes, library_versions

DATA = "data"
CHECKSUMS = "SHA256SUMS"
# Where torchvision's PCAM looks for its files.
_WHERE = {"imagefolder": DATA, "parquet": DATA, "pcam": f"{DATA}/pcam"}


def release(root: Path, generator: str, out: Path, form: FormatName) -> None:
    """Write the release of one generator's synthetic set, or say everything that speaks against it.

    Args:
        root: The checkout, with a finished study.
        generator: The generator's id, e.g. ``dcgan``.
        out: Folder to write; it must not exist or must be empty.
        form: Form of the patches, see `pathgen.export.api.export_patch_set`.

    Raises:
        PathgenErrors: Results are missing, do not belong together, or may not be released; all reasons at
            once. Nothing is written.
    """
    _require_room(out)
    study = read_finished(root, generator)
    against = [*_stale(root, generator), *reasons_against(study)]
    if against:
        raise PathgenErrors(against)
    write_bundle(study, out, form)


def _stale(root: Path, generator: str) -> list[PathgenError]:
    try:
        return stale_reasons(stale_stages(root, generator))
    except PathgenError as unknown:
        return [unknown]  # with the other reasons


def _require_room(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PathgenError(out, "exists already", "Name another folder, or remove it")


def write_bundle(study: Finished, out: Path, form: FormatName) -> None:
    """Write a bundle; whether it may be written has been asked before (see `release`).

    Args:
        study: What is released.
        out: Folder to write, replaced when all of it is there.
        form: Form of the patches.
    """
    root = study.inputs.params.parent
    with atomic_folder(out) as draft:
        index = _export(study, draft, form)
        sums = _checksums(draft)
        versions, digest = library_versions(), file_hashes(study.inputs)[CODE_NAME].partition(":")[2]
        shutil.copyfile(root / "report" / "index.html", draft / "report.html")
        texts = {
            "README.md": readme(study, form),
            "datasheet.md": datasheet(study, index, versions, digest),
            "LICENSES.md": licences(study.settings),
        }
        for name, text in texts.items():
            (draft / name).write_text(text, encoding="utf-8")
        if study.settings.licence_file is not None:
            shutil.copyfile(root / study.settings.licence_file, draft / "LICENSE.txt")
        write_json(
            draft / "croissant.json",
            croissant(study.settings, form, index, sums, description(study)),
        )
        lines = [f"{digest}  {path}\n" for path, digest in (sums | _checksums(draft, but=DATA)).items()]
        (draft / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


def _export(study: Finished, draft: Path, form: FormatName) -> pd.DataFrame:
    """Export both classes as one set, and return its table."""
    both, target = draft / ".both", draft / _WHERE[form]
    sets = list(study.sets.values())
    with PatchSetWriter(both, sum(map(len, sets)), sets[0].images.shape[1]) as writer:
        for patches in sets:
            for rows in batches(len(patches)):
                writer.append(patches.images[rows])
        writer.finish(pd.concat([patches.index for patches in sets], ignore_index=True))
    export_patch_set(both, target, form, "train" if form == "pcam" else None)
    index = read_table(both / INDEX_FILE)
    shutil.rmtree(both)
    return index


def _checksums(folder: Path, but: str | None = None) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder, by its path there, sorted."""
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name.as_posix(): sha256_of(path) for name, path in files.items() if name.parts[0] != but}
