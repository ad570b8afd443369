"""What the optional studies left for the page: sentences and plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathgen.provenance.params_hash import ABSENT
from pathgen.report.load import read_json
from pathgen.webpage.pictures import Picture, read_svg

#: Begin what the page says of a study that may not belong to it, so that it can be found again.
EARLIER_STATE = "This was made from an earlier state"
UNKNOWN_STATE = "It is not written down from which state this was made"


@dataclass(frozen=True)
class Study:
    """What one study says of itself.

    Attributes:
        sentences: In words.
        pictures: Its plots.
    """

    sentences: Sequence[str]
    pictures: Sequence[Picture]


def read_study(folder: Path, hashes: Mapping[str, str]) -> Study | None:
    """Read ``summary.json`` and the plots that it names.

    Args:
        folder: Of the study's results. ``summary.json`` has a list ``sentences`` and a list ``figures``:
            names of SVG files in the folder, or objects with ``file``, ``alt`` and ``caption``; and
            ``made_from``, name to hash of what the study was made from.
        hashes: Name to hash of what is there now.

    Returns:
        The study, with a sentence before its own where it was made from something else than what is there
        now; None when it was not run.

    Raises:
        PathgenError: The summary, or a plot that it names, is missing or damaged.
    """
    summary = read_json(folder / "summary.json")
    if summary is None:
        return None
    sentences = [str(said) for said in summary.get("sentences", [])]
    figures = [_figure(folder, entry, sentences) for entry in summary.get("figures", [])]
    return Study([*_earlier(summary.get("made_from"), hashes), *sentences], figures)


def _earlier(made_from: object, hashes: Mapping[str, str]) -> list[str]:
    """Say that a study was made from an earlier state, if it was."""
    if not isinstance(made_from, dict):
        return [f"{UNKNOWN_STATE}: run it again to be sure of it."]
    changed = sorted(name for name, digest in made_from.items() if hashes.get(name, ABSENT) != digest)
    if not changed:
        return []
    names = ", ".join(changed)
    return [f"{EARLIER_STATE}, other than what is there now: {names}. Run the study again."]


def _figure(folder: Path, entry: object, sentences: Sequence[str]) -> Picture:
    named = entry if isinstance(entry, dict) else {"file": str(entry)}
    file = folder / Path(str(named.get("file"))).name
    words = file.stem.replace("_", " ").capitalize()
    alt = str(named.get("alt") or f"{words}. {' '.join(sentences)}")
    return read_svg(file, alt, str(named.get("caption") or words), "Run the study again")
