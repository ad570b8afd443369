"""Results of the study: table, fits, conclusions and plot."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pathgen.core.files import write_json
from pathgen.patches.parquet import write_csv
from pathgen.results.study import StudyFigure, StudySummary
from pathgen.studies.scaling import wording
from pathgen.studies.scaling.curves import Curve, curves_of, table_of
from pathgen.studies.scaling.equivalence import Equivalence, Saturation, equivalents, saturation
from pathgen.studies.scaling.plotting import plot_curves
from pathgen.studies.scaling.power_law import PowerLaw, fit_power_law
from pathgen.studies.scaling.settings import ORIGINAL
from pathgen.webpage.pictures import save_svg

_SEED = 1


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
        made_from: Hash of each input, see `pathgen.provenance.stale`.

    Returns:
        Content of ``summary.json``; metrics by key.
    """
    curves = curves_of(points)
    laws = [
        fit_power_law(
            curve.errors,
            guessing=curve.guessing,
            bootstrap=bootstrap,
            seed=_SEED,
            curve=(curve.source, curve.classifier),
        )
        for curve in curves
    ]
    ends = [saturation(curve.errors, confidence) for curve in curves]
    equal = _equal_sizes(curves, laws, confidence)
    write_csv(table_of(points, confidence), folder / "curve.csv")
    write_json(
        folder / "fit.json",
        {
            f"{curve.source} {curve.classifier}": {
                "law": _law_facts(law, confidence),
                "end": end if isinstance(end, str) else _plain(asdict(end)),
                "equals_original": [_plain(asdict(one)) for one in equal.get(number, [])],
            }
            for number, (curve, law, end) in enumerate(zip(curves, laws, ends, strict=True))
        },
    )
    save_svg(plot_curves(curves, laws, confidence=confidence), folder / "curve.svg")
    sentences = _sentences(curves, laws, ends, equal, confidence)
    figure = StudyFigure(file="curve.svg", alt=" ".join(sentences), caption=_caption(confidence))
    summary = StudySummary(sentences=tuple(sentences), figures=(figure,), made_from=dict(made_from))
    summary.save(folder / "summary.json")
    return summary, _metrics(curves, laws, equal)


def _caption(confidence: float) -> str:
    return (
        "Error against training patches per class; all points are trained for the same number of steps. "
        f"Small dots: single seeds; bars: {confidence:.0%} CI of the mean over seeds; lines: fitted power "
        f"law with its {confidence:.0%} band. {wording.COVERAGE}"
    )


def _equal_sizes(
    curves: Sequence[Curve], laws: Sequence[PowerLaw | str], confidence: float
) -> dict[int, list[Equivalence]]:
    originals = {
        curve.classifier: law for curve, law in zip(curves, laws, strict=True) if curve.source == ORIGINAL
    }
    answers = {}
    for number, (curve, law) in enumerate(zip(curves, laws, strict=True)):
        original = originals.get(curve.classifier, "no original curve")
        if curve.source != ORIGINAL and isinstance(law, PowerLaw) and isinstance(original, PowerLaw):
            answers[number] = equivalents(original, law, list(original.sizes), max(curve.sizes), confidence)
    return answers


def _sentences(
    curves: Sequence[Curve],
    laws: Sequence[PowerLaw | str],
    ends: Sequence[Saturation | str],
    equal: Mapping[int, Sequence[Equivalence]],
    confidence: float,
) -> list[str]:
    originals = {curve.classifier: curve for curve in curves if curve.source == ORIGINAL}
    found = []
    for number, (curve, law, end) in enumerate(zip(curves, laws, ends, strict=True)):
        if curve.source != ORIGINAL:
            found.append(wording.largest_sentence(curve, originals[curve.classifier], curve.classifier))
        found += [
            wording.equal_sentence(curve, curve.classifier, one, confidence)
            for one in _most_relevant(equal.get(number, []))
        ]
        if isinstance(law, str):
            found.append(f"No power law for {wording.source_name(curve.source)}, {curve.classifier}: {law}.")
        found.append(wording.saturation_sentence(curve, curve.classifier, end))
    return [*found, wording.COVERAGE]


def _most_relevant(equal: Sequence[Equivalence]) -> list[Equivalence]:
    """Return the largest original size and, if it is not equalled, the largest one that is."""
    reached = [one for one in equal[:-1] if one.reached]
    return [*equal[-1:], *([] if not equal or equal[-1].reached else reached[-1:])]


def _law_facts(law: PowerLaw | str, confidence: float) -> Any:
    if isinstance(law, str):
        return law
    ends = law.intervals(confidence)
    return {
        **{
            name: {"value": value, "low": ends[name][0], "high": ends[name][1]}
            for name, value in law.parameters.items()
        },
        "sizes": list(law.sizes),
        "left_out": list(law.left_out),
    }


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """Replace infinity, which JSON does not have, by a word."""
    return {
        name: "infinite" if isinstance(value, float) and math.isinf(value) else value
        for name, value in facts.items()
    }


def _metrics(
    curves: Sequence[Curve], laws: Sequence[PowerLaw | str], equal: Mapping[int, Sequence[Equivalence]]
) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for number, (curve, law) in enumerate(zip(curves, laws, strict=True)):
        key = f"{curve.source}/{curve.classifier}"
        if isinstance(law, PowerLaw):
            metrics |= {f"scaling/{name}/{key}": value for name, value in law.parameters.items()}
        if number in equal and math.isfinite(equal[number][-1].synthetic):
            metrics[f"scaling/equals_original/{key}"] = equal[number][-1].synthetic
    return metrics
