"""Conclusions and plots of the optional studies, and whether they belong to the present study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathgen.provenance.made_from import ABSENT
from pathgen.results.study_record import StudyFigure, StudySummary
from pathgen.webpage.pictures import Picture, read_svg


@dataclass(frozen=True)
class Study:
    """One optional study.

    Attributes:
        changed: Names of the inputs that have changed since it was run.
        sentences: Its conclusions.
        pictures: Its plots.
    """

    changed: Sequence[str]
    sentences: Sequence[str]
    pictures: Sequence[Picture]


def read_study(folder: Path, hashes: Mapping[str, str]) -> Study | None:
    """Read a study and the plots that it names.

    Args:
        folder: Results of the study, with ``summary.json`` and SVG files.
        hashes: Name of an input, setting or code to its hash now.

    Returns:
        The study, or None when it was not run.

    Raises:
        PathgenError: The summary, or a plot that it names, is missing or damaged.
    """
    summary = StudySummary.load_if_exists(folder / "summary.json")
    if summary is None:
        return None
    changed = sorted(name for name, digest in summary.made_from.items() if hashes.get(name, ABSENT) != digest)
    pictures = [_picture(folder, figure, summary.sentences) for figure in summary.figures]
    return Study(changed, summary.sentences, pictures)


def _picture(folder: Path, figure: StudyFigure | str, sentences: Sequence[str]) -> Picture:
    if isinstance(figure, str):
        name = Path(figure).stem.replace("_", " ").capitalize()
        figure = StudyFigure(file=figure, alt=f"{name}. {' '.join(sentences)}", caption=name)
    file = folder / Path(figure.file).name
    return read_svg(file, figure.alt, figure.caption, "Run the study again")
