"""Hashes of what a report was made from, so that two runs can be compared."""

import hashlib
import platform
from importlib import metadata
from pathlib import Path

import pathgen
from pathgen.core.files import sha256_of
from pathgen.report.reading import ReportInputs

_LIBRARIES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "pillow",
    "openslide-python",
    "dvc",
    "mlflow",
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
    return found | {"code of pathgen": f"sha256:{_code_hash()}"}


def _code_hash() -> str:
    """Hash the package's Python files and templates, names and contents."""
    root = Path(pathgen.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(path for path in root.rglob("*") if path.suffix in {".py", ".j2", ".css"}):
        digest.update(f"{file.relative_to(root).as_posix()} {sha256_of(file)}\n".encode())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results depend on."""
    return {"Python": platform.python_version()} | {name: metadata.version(name) for name in _LIBRARIES}
