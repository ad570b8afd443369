"""Hashes of what a report was made from, so that two runs can be compared."""

from pathlib import Path

from pathgen.files import sha256_of
from pathgen.report.reading import ReportInputs


def file_hashes(inputs: ReportInputs) -> dict[str, str]:
    """Hash the tables and patch sets that the results rest on.

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
    return {name: f"sha256:{sha256_of(file)}" for name, file in files.items() if file.is_file()}
