"""Hashes of the inputs of a report, so that two runs can be compared."""

import hashlib
import platform
from importlib import metadata
from pathlib import Path

from pathgen.core import layout
from pathgen.core.files import sha256_of
from pathgen.provenance.code_hash import PACKAGES, ROOT

#: Name of the code's hash.
CODE_NAME = "code (pathgen, stages)"
_LIBRARIES = (
    *("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "h5py", "safetensors"),
    *("pillow", "openslide-python", "openslide-bin", "simplejpeg", "tifffile", "imagecodecs", "shapely"),
    *("opacus", "optuna", "matplotlib", "jinja2", "dvc", "mlflow"),
)


def file_hashes(root: Path) -> dict[str, str]:
    """Hash the tables, patch sets and models that the results rest on, and the code.

    Args:
        root: Checkout; absent files are left out.

    Returns:
        Name (``samples.parquet``, ``patches/train/patches.npy``) to SHA-256.
    """
    tables = [root / file for file in (layout.COHORT, layout.SAMPLES, layout.PARAMS)]
    files = {file.name: file for file in tables}
    for folder, pattern, base in (
        (layout.PATCHES, "*", layout.PATCHES.parent),
        (layout.SYNTHETIC, "*", layout.SYNTHETIC.parent),
        (layout.MODELS, "*.safetensors", layout.MODELS.parent),
    ):
        for file in sorted((root / folder).rglob(pattern)):
            name = file.relative_to(root / base)
            if not any(part.startswith(".") for part in name.parts):
                files[name.as_posix()] = file
    found = {name: f"sha256:{sha256_of(file)}" for name, file in files.items() if file.is_file()}
    return found | {CODE_NAME: f"sha256:{code_hash()}"}


def code_hash(root: Path = ROOT) -> str:
    """Hash all code: the packages' Python files, templates and style sheets.

    A commit would not do: it changes with every document, and ignores changes that are not committed. The
    commands of dvc.yaml are in dvc.lock.

    Args:
        root: Checkout.

    Returns:
        SHA-256 of names and contents, 64 hexadecimal digits.
    """
    inside = (file for package in PACKAGES for file in (root / package).rglob("*"))
    files = [file for file in inside if file.suffix in {".py", ".j2", ".css"}]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root).as_posix()} {sha256_of(file)}\n".encode())
    return digest.hexdigest()


def result_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results depend on."""
    return {"Python": platform.python_version()} | {name: metadata.version(name) for name in _LIBRARIES}


if __name__ == "__main__":
    print(f"sha256:{code_hash()}")
