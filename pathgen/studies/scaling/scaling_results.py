"""Results of the study: table, fits, conclusions and plot."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pathgen.core.files import write_json
from pathgen.patches.parquet import write_csv
from pathgen.results.study_record import StudyFigure, StudySummary
from pathgen.studies.scaling.curve_plot import plot_curves
from pathgen.studies.scaling.curves import Curve, curves_of, failed_points, table_of
from pathgen.studies.scaling.equivalence import Equivalence, Saturation, equivalents, saturation
from pathgen.studies.scaling.power_law import PowerLaw, fit_power_law
from pathgen.studies.scaling.settings import ORIGINAL
from pathgen.webpage.pictures import save_svg
from pathgen.webpage.rendering import render

CONCLUSIONS = "studies/scaling/conclusions.j2"
_SEED = 1


@dataclass(frozen=True)
class CurveAnalysis:
    """Analysis of one curve.

    Attributes:
        curve: The curve.
        law: Its power law, or why there is none.
        end: Trend at its largest sizes, or why there is none.
        original: Curve of the original patches with the same classifier; None if it is this curve.
        equals: Synthetic sizes that equal each original size; empty without two power laws.
    """

    curve: Curve
    law: PowerLaw | str
    end: Saturation | str
    original: Curve | None = None
    equals: Sequence[Equivalence] = ()

    @property
    def key(self) -> str:
        """Source and classifier."""
        return f"{self.curve.source} {self.curve.classifier}"

    def reported_equals(self) -> list[Equivalence]:
        """Return the largest original size and, if it is not equalled, the largest one that is."""
        if not self.equals or self.equals[-1].reached:
            return list(self.equals[-1:])
        return [self.equals[-1], *[one for one in self.equals[:-1] if one.reached][-1:]]

    def fit(self, confidence: float) -> dict[str, Any]:
        """Return the entry of ``fit.json``."""
        law: Any = self.law
        if isinstance(self.law, PowerLaw):
            ends = self.law.intervals(confidence)
            values = {
                name: {"value": value, "low": ends[name][0], "high": ends[name][1]}
                for name, value in self.law.parameters.items()
            }
            law = {**values, "sizes": list(self.law.sizes), "left_out": list(self.law.left_out)}
        return {
            "law": law,
            "end": self.end if isinstance(self.end, str) else _plain(asdict(self.end)),
            "equals_original": [_plain(asdict(one)) for one in self.equals],
        }

    def metrics(self) -> dict[str, float]:
        """Return the metrics of the curve by key."""
        key = self.key.replace(" ", "/")
        found: dict[str, float] = {}
        if isinstance(self.law, PowerLaw):
            found = {f"scaling/{name}/{key}": value for name, value in self.law.parameters.items()}
        if self.equals and math.isfinite(self.equals[-1].synthetic):
            found[f"scaling/equals_original/{key}"] = self.equals[-1].synthetic
        return found


def write_results(
    points: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    confidence: float,
    bootstrap: int,
    made_from: Mapping[str, str],
) -> tuple[StudySummary, dict[str, float]]:
    """Fit the curves and write ``curve.csv``, ``fit.json``, ``summary.json`` and ``curve.svg``.

    Args:
        points: Results of all points, see `pathgen.studies.scaling.point.TrainPoint`.
        folder: Folder of the files.
        confidence: Confidence level of the intervals.
        bootstrap: Number of bootstrap curves for the intervals of a law.
        made_from: Hash of each input, see `pathgen.provenance.made_from`.

    Returns:
        Content of ``summary.json``; metrics by key.
    """
    analyses = _analyse(curves_of(points), confidence, bootstrap)
    write_csv(table_of(points, confidence), folder / "curve.csv")
    write_json(folder / "fit.json", {one.key: one.fit(confidence) for one in analyses})
    curves, laws = [one.curve for one in analyses], [one.law for one in analyses]
    save_svg(plot_curves(curves, laws, confidence=confidence), folder / "curve.svg")
    level = f"{confidence:.0%}"
    failed = failed_points(points)
    text = render(
        CONCLUSIONS, analyses=analyses, failed=failed, level=level, rounded=rounded, infinity=math.inf
    )
    sentences = text.splitlines()
    crosses = " (black crosses: not converged)" if failed else ""
    caption = (
        "Error against training patches per class; all points are trained for the same number of steps. "
        f"Small dots: single seeds{crosses}; bars: {level} CI of the mean over seeds; lines: fitted power "
        f"law with its {level} band. {sentences[-1]}"
    )
    figure = StudyFigure(file="curve.svg", alt=" ".join(sentences), caption=caption)
    summary = StudySummary(sentences=tuple(sentences), figures=(figure,), made_from=dict(made_from))
    summary.save(folder / "summary.json")
    return summary, {key: value for one in analyses for key, value in one.metrics().items()}


def _analyse(curves: Sequence[Curve], confidence: float, bootstrap: int) -> list[CurveAnalysis]:
    """Fit every curve, and compare those of synthetic patches with those of original ones."""
    originals: dict[str, CurveAnalysis] = {}
    analyses = []
    # Of each classifier the original curve comes first.
    for curve in curves:
        name = (curve.source, curve.classifier)
        law = fit_power_law(
            curve.errors, guessing=curve.guessing, bootstrap=bootstrap, seed=_SEED, curve=name
        )
        end = saturation(curve.errors, confidence)
        if curve.source == ORIGINAL:
            analyses.append(originals.setdefault(curve.classifier, CurveAnalysis(curve, law, end)))
            continue
        original, equals = originals[curve.classifier], list[Equivalence]()
        if isinstance(law, PowerLaw) and isinstance(original.law, PowerLaw):
            equals = equivalents(original.law, law, list(original.law.sizes), max(curve.sizes), confidence)
        analyses.append(CurveAnalysis(curve, law, end, original.curve, equals))
    return analyses


def rounded(value: float) -> str:
    """Write a number of patches with two significant digits."""
    if value < 1:
        return "less than 1"
    digits = max(0, math.floor(math.log10(value)) - 1)
    return f"{round(value / 10**digits) * 10**digits:,}"


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """Replace infinity, which JSON does not have, by a word."""
    return {
        name: "infinite" if isinstance(value, float) and math.isinf(value) else value
        for name, value in facts.items()
    }
