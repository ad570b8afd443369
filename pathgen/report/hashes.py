"""Hashes of what a report was made from, so that two runs can be compared."""

import hashlib
import platform
from importlib import metadata
from pathlib import Path

from pathgen.core.files import sha256_of
from pathgen.provenance.code_hash import PACKAGES, ROOT
from pathgen.report.load import ReportInputs

#: Under which the code's hash stands.
CODE_NAME = "code (pathgen, stages)"
_LIBRARIES = (
    *("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "h5py", "safetensors"),
    *("pillow", "openslide-python", "openslide-bin", "simplejpeg", "tifffile", "imagecodecs", "shapely"),
    *("opacus", "optuna", "matplotlib", "jinja2", "dvc", "mlflow"),
)


def file_hashes(inputs: ReportInputs) -> dict[str, str]:
    """Hash the tables, patch sets and models that the results rest on, and the code.

    Args:
        inputs: Where they lie; absent ones are left out.

    Returns:
        Readable name (``samples.parquet``, ``train/patches.npy``) to SHA-256, sorted as read.
    """
    files: dict[str, Path] = {
        inputs.cohort.name: inputs.cohort,
        inputs.samples.name: inputs.samples,
        inputs.params.name: inputs.params,
    }
    for parent in (inputs.patches, inputs.synthetic):
        files |= {
            f"{parent.name}/{file.parent.name}/{file.name}": file for file in sorted(parent.glob("[!.]*/*"))
        }
    files |= {
        file.relative_to(inputs.models.parent).as_posix(): file
        for file in sorted(inputs.models.glob("*/[!.]*/*.safetensors"))
    }
    found = {name: f"sha256:{sha256_of(file)}" for name, file in files.items() if file.is_file()}
    return found | {CODE_NAME: f"sha256:{code_hash()}"}


def code_hash(root: Path = ROOT) -> str:
    """Hash all code: the packages' Python files, templates and style sheets.

    A commit would not do in its place: it changes with every document, and says nothing of changes that are
    not committed. The commands of dvc.yaml stand in dvc.lock.

    Args:
        root: The checkout.

    Returns:
        64 hexadecimal digits, of names and contents.
    """
    inside = (file for package in PACKAGES for file in (root / package).rglob("*"))
    files = [file for file in inside if file.suffix in {".py", ".j2", ".css"}]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root).as_posix()} {sha256_of(file)}\n".encode())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results depend on."""
    return {"Python": platform.python_version()} | {name: metadata.version(name) for name in _LIBRARIES}


if __name__ == "__main__":
    print(f"sha256:{code_hash()}")
