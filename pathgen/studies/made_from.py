"""What a study was made from, so that a report can tell when that has changed since."""

from collections.abc import Iterable
from pathlib import Path

from pathgen.core.files import sha256_of


def made_from(folders: Iterable[Path]) -> dict[str, str]:
    """Hash the patch sets and generators that a study reads.

    Args:
        folders: Of patch sets (``data/patches/train``) and of generators (``models/gan/dcgan-normal``).

    Returns:
        Name, as the report's table of hashes has it, to hash: ``patches/train/patches.npy``,
        ``models/gan/dcgan-normal/generator.safetensors``.
    """
    found = {}
    for folder in folders:
        if folder.parent.name == "gan":
            names, depth = ["generator.safetensors"], 4
        else:
            names, depth = ["index.parquet", "patches.npy"], 3
        for file in (folder / name for name in names):
            found["/".join(file.parts[-depth:])] = f"sha256:{sha256_of(file)}"
    return found
