"""First screen of the page, also in its PDF summary: verdict, accuracy of every training, patches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathgen.core import layout
from pathgen.report.headline import Results
from pathgen.report.page_figures import Sheet, patch_sheets
from pathgen.report.plots import Strip, training_strips
from pathgen.report.result_table import Row
from pathgen.report.verdict_cards import Card, verdict_cards
from pathgen.results.audit_record import SEVERITY, Audit, worst
from pathgen.results.comparison_record import Comparison
from pathgen.results.verdict_record import GeneratorVerdict, Verdict

# Patches of a class on a sheet, and in a row.
_PATCHES, _COLUMNS = 12, 6


@dataclass(frozen=True)
class Front:
    """The first screen.

    Attributes:
        verdict: The whole verdict.
        controls: Comparison of the controls of usefulness with the original regime.
        cards: Answers, see `verdict_cards`.
        names: Regime to its short name, for the rows of the result table that the verdict rests on.
        rows: These rows.
        strips: Accuracy of their trainings.
        baseline: Accuracy on the mean colour alone.
        sheets: Original patches, if they may be shown, and those of the first training of the generator.
    """

    verdict: Verdict
    controls: Comparison
    cards: Mapping[str, Card]
    names: Mapping[str, str]
    rows: Sequence[Row]
    strips: Sequence[Strip]
    baseline: float
    sheets: Mapping[str, Sequence[Sheet]]

    @property
    def first(self) -> GeneratorVerdict:
        """Verdict on the first generator and classifier."""
        return self.verdict.generators[0]

    @property
    def trainings(self) -> int:
        """Number of trainings of the classifier."""
        return sum(len(row.runs) for row in self.rows)


def gather_front(
    root: Path, results: Results, audits: Mapping[str, Mapping[int, Audit]], *, with_original: bool
) -> Front:
    """Read the verdict, and collect what belongs to its first generator and classifier.

    Args:
        root: Checkout.
        results: Evaluations and their comparison.
        audits: Generator to the audits of its synthetic sets, by replicate.
        with_original: Whether original patches may be shown.

    Raises:
        PathgenError: The verdict or a patch set is missing or damaged.
    """
    verdict = Verdict.load(root / layout.VERDICT)
    first = verdict.generators[0]
    names = {
        "original": "original",
        f"mixed-{first.generator}": "mixed",
        f"synthetic-{first.generator}": "synthetic",
    }
    rows = [row for row in results.rows if row.classifier == first.classifier and row.name in names]
    return Front(
        verdict=verdict,
        controls=Comparison.load(root / layout.COMPARED_CONTROLS),
        cards=verdict_cards(verdict, first, results.comparison, [*audits.get(first.generator, {}).values()]),
        names=names,
        rows=rows,
        strips=training_strips(rows, names),
        baseline=results.baseline,
        sheets=patch_sheets(root, [first.generator], _PATCHES, _COLUMNS, with_original=with_original),
    )


def worst_first(audits: Mapping[str, Mapping[int, Audit]]) -> list[str]:
    """Return the generators, those with a leak first and those that passed last.

    Args:
        audits: Generator to the audits of its synthetic sets, by replicate.
    """
    return sorted(audits, key=lambda name: -SEVERITY.index(audits[name][worst(audits[name])].verdict))
