"""First screen of the page, also in its PDF summary: verdict, accuracy of every training, patches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathgen.core import layout
from pathgen.report.headline import Results
from pathgen.report.page_figures import Sheet, patch_sheets
from pathgen.report.plots import Strip, training_strips
from pathgen.report.read_results import trained_generators
from pathgen.report.result_table import Row
from pathgen.report.verdict_cards import Card, verdict_cards
from pathgen.results.audit_record import LEAKAGE, PASSED, REFUSED, Audit
from pathgen.results.verdict_record import GeneratorVerdict, Verdict
from pathgen.run_matrix import Replicate

# Patches of a class on a sheet, and in a row.
_PATCHES, _COLUMNS = 12, 6
_WORST_FIRST = (LEAKAGE, REFUSED, PASSED)


@dataclass(frozen=True)
class Front:
    """The first screen.

    Attributes:
        verdict: Verdict on the first generator and classifier.
        others: Verdicts on the others.
        demonstration: Whether the patches are computer-drawn.
        cards: Answers, see `verdict_cards`.
        names: Regime to its short name, for the rows of the result table that the verdict rests on.
        rows: These rows.
        strips: Accuracy of their trainings.
        baseline: Accuracy on the mean colour alone.
        sheets: Original patches, if they may be shown, and those of the first training of the generator.
    """

    verdict: GeneratorVerdict
    others: Sequence[GeneratorVerdict]
    demonstration: bool
    cards: Mapping[str, Card]
    names: Mapping[str, str]
    rows: Sequence[Row]
    strips: Sequence[Strip]
    baseline: float
    sheets: Mapping[str, Sequence[Sheet]]

    @property
    def trainings(self) -> int:
        """Number of trainings of the classifier."""
        return sum(len(row.runs) for row in self.rows)


def gather_front(root: Path, results: Results, audits: Mapping[str, Audit], *, with_original: bool) -> Front:
    """Read the verdict, and collect what belongs to its first generator and classifier.

    Args:
        root: Checkout.
        results: Evaluations and their comparison.
        audits: Generator to its audit.
        with_original: Whether original patches may be shown.

    Raises:
        PathgenError: The verdict or a patch set is missing or damaged.
    """
    verdict = Verdict.load(root / layout.VERDICT)
    first, *others = verdict.generators
    own = [name for name, place in trained_generators(root).items() if place.group == first.generator]
    names = {
        "original": "original",
        f"mixed-{first.generator}": "both",
        f"synthetic-{first.generator}": "synthetic",
    }
    rows = [row for row in results.rows if row.classifier == first.classifier and row.name in names]
    return Front(
        verdict=first,
        others=others,
        demonstration=verdict.demonstration,
        cards=verdict_cards(
            verdict, first, results.comparison, [audits[name] for name in own if name in audits]
        ),
        names=names,
        rows=rows,
        strips=training_strips(rows, names),
        baseline=results.baseline,
        sheets=patch_sheets(root, own[:1], _PATCHES, _COLUMNS, with_original=with_original),
    )


def worst_first(audits: Mapping[str, Audit]) -> list[str]:
    """Return the generators, those with a leak first and those that passed last."""
    return sorted(audits, key=lambda name: _WORST_FIRST.index(audits[name].verdict))


def one_per_group(generators: Iterable[str], places: Mapping[str, Replicate]) -> list[str]:
    """Return the first generator of each group of replicates; its pictures stand for the others'."""
    first: dict[str, str] = {}
    for name in generators:
        first.setdefault(places[name].group if name in places else name, name)
    return list(first.values())
