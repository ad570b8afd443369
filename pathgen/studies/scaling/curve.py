"""From points to the answer: tables, fits, sentences and the picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pathgen.core.files import write_json
from pathgen.patches.parquet import write_csv
from pathgen.studies.scaling import wording
from pathgen.studies.scaling.equivalence import Equivalence, Saturation, equivalents, saturation
from pathgen.studies.scaling.plotting import plot_curves, save_svg
from pathgen.studies.scaling.points import Curve, curves_of, read_points, table_of
from pathgen.studies.scaling.power_law import PowerLaw, fit_power_law

_SEED = 1
_ORIGINAL = "original"


@dataclass(frozen=True)
class Summary:
    """What the curves say.

    Attributes:
        sentences: For a reader.
        numbers: For the tracking, by metric key.
    """

    sentences: list[str]
    numbers: dict[str, float]


def build_curves(
    points: Path,
    names: Sequence[str],
    folder: Path,
    *,
    confidence: float,
    bootstrap: int,
    made_from: Mapping[str, str],
) -> Summary:
    """Read all points, fit the curves, and write what they say.

    Args:
        points: Folder with one file per point.
        names: The points asked for.
        folder: Where ``curve.csv`` (a row per size), ``fit.json`` (laws, equal sizes, saturation),
            ``summary.json`` (keys sentences, figures and made_from) and ``curve.svg`` go.
        confidence: Level of the intervals.
        bootstrap: Curves drawn anew for the intervals of a law.
        made_from: Of `pathgen.provenance.stale`.

    Returns:
        What the curves say.

    Raises:
        PathgenError: A point is missing or damaged.
    """
    found = read_points(points, names)
    curves = curves_of(found)
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
    write_csv(table_of(found, confidence), folder / "curve.csv")
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
    write_json(
        folder / "summary.json",
        {
            "sentences": sentences,
            "figures": [{"file": "curve.svg", "alt": " ".join(sentences), "caption": _caption(confidence)}],
            "made_from": dict(made_from),
        },
    )
    return Summary(sentences, _numbers(curves, laws, equal))


def _caption(confidence: float) -> str:
    return (
        "Error against training patches per class; every point is trained for the same number of steps. "
        f"Small dots: single seeds; bars: {confidence:.0%} interval of the mean over seeds; lines: fitted "
        f"power law with its {confidence:.0%} band. {wording.coverage_sentence()}"
    )


def _equal_sizes(
    curves: Sequence[Curve], laws: Sequence[PowerLaw | str], confidence: float
) -> dict[int, list[Equivalence]]:
    originals = {
        curve.classifier: law for curve, law in zip(curves, laws, strict=True) if curve.source == _ORIGINAL
    }
    answers = {}
    for number, (curve, law) in enumerate(zip(curves, laws, strict=True)):
        original = originals.get(curve.classifier, "no original curve")
        if curve.source != _ORIGINAL and isinstance(law, PowerLaw) and isinstance(original, PowerLaw):
            answers[number] = equivalents(original, law, list(original.sizes), max(curve.sizes), confidence)
    return answers


def _sentences(
    curves: Sequence[Curve],
    laws: Sequence[PowerLaw | str],
    ends: Sequence[Saturation | str],
    equal: Mapping[int, Sequence[Equivalence]],
    confidence: float,
) -> list[str]:
    originals = {curve.classifier: curve for curve in curves if curve.source == _ORIGINAL}
    said = []
    for number, (curve, law, end) in enumerate(zip(curves, laws, ends, strict=True)):
        if curve.source != _ORIGINAL:
            said.append(wording.largest_sentence(curve, originals[curve.classifier], curve.classifier))
        said += [
            wording.equal_sentence(curve, curve.classifier, one, confidence)
            for one in _worth_saying(equal.get(number, []))
        ]
        if isinstance(law, str):
            said.append(f"No power law for {wording.source_words(curve.source)}, {curve.classifier}: {law}.")
        said.append(wording.saturation_sentence(curve, curve.classifier, end))
    return [*said, wording.coverage_sentence()]


def _worth_saying(equal: Sequence[Equivalence]) -> list[Equivalence]:
    """Take the largest original size and, where it is not equalled, the largest that is."""
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
    """Write infinity, which JSON does not have, as the word."""
    return {
        name: "infinite" if isinstance(value, float) and math.isinf(value) else value
        for name, value in facts.items()
    }


def _numbers(
    curves: Sequence[Curve], laws: Sequence[PowerLaw | str], equal: Mapping[int, Sequence[Equivalence]]
) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for number, (curve, law) in enumerate(zip(curves, laws, strict=True)):
        key = f"{curve.source}/{curve.classifier}"
        if isinstance(law, PowerLaw):
            numbers |= {f"scaling/{name}/{key}": value for name, value in law.parameters.items()}
        if number in equal and math.isfinite(equal[number][-1].synthetic):
            numbers[f"scaling/equals_original/{key}"] = equal[number][-1].synthetic
    return numbers
