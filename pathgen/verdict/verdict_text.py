"""The verdict as plain text of at most 80 columns, for a terminal."""

from pathgen.results.verdict_record import Verdict
from pathgen.webpage.rendering import render


def as_text(verdict: Verdict) -> str:
    """Write all answers with their reasons; ends with a newline."""
    return render("verdict/verdict.txt.j2", verdict=verdict)
