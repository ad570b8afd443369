"""From points to the answer: a table, sentences and the picture."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.core.files import write_json
from pathgen.metrics.classification import mean_ci
from pathgen.patches.parquet import write_csv
from pathgen.studies.dp_sweep.plotting import plot_sweep
from pathgen.webpage.pictures import save_svg

UNLIMITED = "unlimited"
MEASURES = ("accuracy", "roc_auc", "attack_auc", "discriminator_auc")
_FACTS = {"epsilon", "seed", "guessing", "attack_by_chance", "attack_by_chance_high", "privacy", *MEASURES}


@dataclass(frozen=True)
class Summary:
    """What the sweep says.

    Attributes:
        sentences: For a reader.
        numbers: For the tracking, by metric key.
    """

    sentences: list[str]
    numbers: dict[str, float]


def build_sweep(
    points: Path, names: Sequence[str], folder: Path, *, confidence: float, made_from: Mapping[str, str]
) -> Summary:
    """Read all points and write what they say.

    Args:
        points: Folder with one file per point.
        names: The points asked for, by falling privacy.
        folder: Where ``curve.csv`` (a row per epsilon), ``summary.json`` (keys sentences, figures and
            made_from) and ``curve.svg`` go.
        confidence: Level of the intervals over seeds.
        made_from: Of `pathgen.provenance.stale`.

    Returns:
        What the points say.

    Raises:
        PathgenError: A point is missing or damaged.
    """
    found = [_point(points / f"{name}.json") for name in names]
    table = table_of(found, confidence)
    guessing = 1.0 - float(found[0]["guessing"])
    chance = [float(point["attack_by_chance_high"]) for point in found]
    write_csv(table, folder / "curve.csv")
    save_svg(
        plot_sweep(table, found, guessing=guessing, by_chance=sum(chance) / len(chance)), folder / "curve.svg"
    )
    sentences = _sentences(table, found, confidence)
    write_json(
        folder / "summary.json",
        {
            "sentences": sentences,
            "figures": [{"file": "curve.svg", "alt": " ".join(sentences), "caption": _caption(confidence)}],
            "made_from": dict(made_from),
        },
    )
    numbers = {
        f"dp_sweep/{name}/{row['epsilon']}": float(row[name]) for row in _rows(table) for name in MEASURES
    }
    return Summary(sentences, numbers)


def _point(file: Path) -> dict[str, Any]:
    hint = "Run make dp-sweep again; it makes what is missing"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PathgenError(file, "no such point of the sweep", hint) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise PathgenError(file, f"not readable: {problem}", f"Delete it. {hint}") from None
    if not isinstance(found, dict) or not found.keys() >= _FACTS:
        raise PathgenError(file, "is no point of a sweep", f"Delete it. {hint}")
    return found


def table_of(points: Sequence[Mapping[str, Any]], confidence: float) -> pd.DataFrame:
    """Put mean and interval over the seeds of each epsilon in a row, in the order of the points.

    Args:
        points: What the points found.
        confidence: Level of the intervals.

    Returns:
        Columns epsilon (as asked for), epsilon_spent (the largest of any class and seed; NaN without noise),
        noise_multiplier, seeds, and of each of `MEASURES` the mean, ``_low`` and ``_high`` (NaN of one seed).
    """
    rows = []
    for epsilon in dict.fromkeys(point["epsilon"] for point in points):
        own = [point for point in points if point["epsilon"] == epsilon]
        trained = [facts for point in own for facts in point["privacy"].values()]
        spent = [facts["epsilon"] for facts in trained if facts["epsilon"] is not None]
        row: dict[str, Any] = {
            "epsilon": epsilon,
            "epsilon_spent": max(spent, default=float("nan")),
            "noise_multiplier": max(facts["noise_multiplier"] for facts in trained),
            "seeds": len(own),
        }
        for name in MEASURES:
            interval = mean_ci([point[name] for point in own], confidence)
            low, high = (float("nan") if end is None else end for end in (interval.low, interval.high))
            row |= {name: interval.mean, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _caption(confidence: float) -> str:
    return (
        "Left: accuracy and area under the ROC curve, on the original test patches, of a classifier that "
        "learnt from synthetic ones alone, against the epsilon that the generator of each class spent; "
        "dotted: guessing. Right: area under the "
        "ROC curve of the strongest attack on the synthetic patches, and of the discriminators' own answers, "
        "which are never given out; dotted: what the strongest attack reaches by chance at most, in 97.5 % "
        f"of random labellings. Small dots: single seeds; bars: {confidence:.0%} interval of their mean."
    )


def _sentences(table: pd.DataFrame, points: Sequence[Mapping[str, Any]], confidence: float) -> list[str]:
    facts = next(iter(points[0]["privacy"].values()))
    whose = {"patch": "one training patch", "patient": "all training patches of one patient"}[facts["unit"]]
    said = [
        f"Each epsilon hides {whose} of a class, at delta {facts['delta']:g}; the classifier is judged on "
        "original test patches, and learns from synthetic ones."
    ]
    for row in _rows(table):
        name = "Without noise" if row["epsilon"] == UNLIMITED else f"At epsilon {float(row['epsilon']):g}"
        said.append(
            f"{name} the accuracy is {_with_interval(row, 'accuracy', confidence)}, and the strongest attack "
            f"has an area under the curve of {_with_interval(row, 'attack_auc', confidence)}."
        )
    chance, most = (
        sum(point[key] for point in points) / len(points)
        for key in ("attack_by_chance", "attack_by_chance_high")
    )
    said.append(
        f"The largest of so many attacks is {chance:.3f} on average where nothing leaks, and above "
        f"{most:.3f} in one of forty such cases."
    )
    return said


def _with_interval(row: Mapping[str, Any], name: str, confidence: float) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if pd.isna(low):
        return f"{row[name]:.3f}"
    return f"{row[name]:.3f} ({confidence:.0%} interval {low:.3f} to {high:.3f})"
