"""One changed byte of any input that decides labels or pixels changes the cohort, or is refused."""

import random
from pathlib import Path

import pytest
from factories.inputs import WRITERS
from factories.slide_files import annotation_settings

from pathgen.core.errors import PathgenError
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source, source_names

DIGESTS = ["slide", "sha256", "annotation_sha256", "table_sha256"]
PLACES = 1


def _digests(root: Path, settings: CohortSettings) -> list[list[str | None]] | None:
    """Return the digests in the cohort table, or None if the source refuses the files."""
    try:
        table = load_source(settings.source).find_cohort(root, settings, annotation_settings())
    except PathgenError:
        return None
    found: list[list[str | None]] = table[DIGESTS].to_numpy().tolist()
    return found


def test_every_source_that_reads_files_is_covered() -> None:
    assert set(WRITERS) == {name for name in source_names() if not load_source(name).makes_data}


@pytest.mark.parametrize("source", sorted(WRITERS))
def test_one_changed_byte_of_any_input_changes_the_cohort(tmp_path: Path, source: str) -> None:
    root, rng = tmp_path / "root", random.Random(source)
    settings = WRITERS[source](root)
    before = _digests(root, settings)
    assert before is not None and _digests(root, settings) == before
    inputs, changed, refused = sorted(file for file in root.rglob("*") if file.is_file()), 0, 0
    for file in inputs:
        content = file.read_bytes()
        for place in {0, len(content) - 1, *(rng.randrange(len(content)) for _ in range(PLACES))}:
            other = bytearray(content)
            other[place] ^= rng.randrange(1, 256)
            file.write_bytes(other)
            after = _digests(root, settings)
            assert after != before, f"{file.relative_to(root)}: byte {place}"
            changed, refused = changed + (after is not None), refused + (after is None)
        file.write_bytes(content)
    assert _digests(root, settings) == before
    assert changed and refused
