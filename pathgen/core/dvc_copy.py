"""Paths of the original checkout, seen from the temporary copy in which DVC runs a queued experiment."""

import os
from pathlib import Path


def from_original(path: Path) -> Path:
    """Return a path that a relative setting names, also in a temporary copy of the checkout.

    ``dvc exp run --temp`` and ``--queue`` run stages in a copy of what git tracks, below ``.dvc/tmp`` of the
    original checkout, and set ``DVC_ROOT`` to the original. What the setting names is not copied.

    Args:
        path: Absolute, or relative to the checkout.

    Returns:
        The path below the original checkout if the working folder is in such a copy; else the path as it is.

    Source: ``dvc.repo.experiments.queue.base.BaseStashQueue._stash_exp`` of DVC 3.
    """
    original, here = os.environ.get("DVC_ROOT"), Path.cwd()
    if path.is_absolute() or not original:
        return path
    root = Path(original).resolve()
    copy = next((folder for folder in (here, *here.parents) if (folder / ".dvc").is_dir()), None)
    if copy is None or not copy.is_relative_to(root / ".dvc"):
        return path
    # `..` is taken here, as the name of the copy says nothing about the original.
    return Path(os.path.normpath(root / here.relative_to(copy) / path))
