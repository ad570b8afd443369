"""Hashes of everything that a study was made from, so that a report can state what has changed since."""

from collections.abc import Iterable
from pathlib import Path

from pathgen.core.files import sha256_of
from pathgen.provenance.params_hash import ABSENT, state_hashes


def made_from(folders: Iterable[Path], state: Iterable[str] = (), root: Path = Path()) -> dict[str, str]:
    """Hash the patch sets and generators that a study reads, its settings and the code that trains.

    Args:
        folders: Folders of patch sets (``data/patches/train``) and generators (``models/gan/dcgan/normal``).
        state: Names of settings, code and networks in `params_hash.state_hashes`.
        root: The checkout.

    Returns:
        Name, as in the report, to hash: ``patches/train/patches.npy``,
        ``models/gan/dcgan/normal/generator.safetensors``, ``params.yaml: synthesise.seed``,
        ``code of train_classifier``.
    """
    there = state_hashes(root)
    found = {name: there.get(name, ABSENT) for name in state}
    for folder in folders:
        if folder.parent.parent.name == "gan":
            names, depth = ["generator.safetensors"], 5
        else:
            names, depth = ["index.parquet", "patches.npy"], 3
        for file in (folder / name for name in names):
            found["/".join(file.parts[-depth:])] = f"sha256:{sha256_of(file)}"
    return found
