"""Count trainings of a classifier's recipe that do not converge, over seeds, regimes, precisions and threads.

Needs patches and synthetic set of the study in `root`. Finished trainings are kept in a file, one JSON line
each, and are not repeated. No test patch is read.
"""

import json
from collections.abc import Iterator
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.harness import Result, report
from pathgen.classifier.classifier_loop import train_classifier
from pathgen.classifier.regimes import build_regime
from pathgen.classifier.settings import TrainClassifierConfig, TrainClassifierSettings
from pathgen.core import layout
from pathgen.core.params import load_section
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.provenance.cache_key import CacheKey, file_hashes, library_versions
from pathgen.provenance.code_hash import PLUGINS, code_manifest
from pathgen.run_matrix import REGIMES
from pathgen.training.metric_logger import NullLogger

# What trainings have in common that differ in their seed alone.
_SETTING = ("recipe", "patches", "precision", "threads", "regime")
_CODE = (train_classifier.__module__, build_regime.__module__)


def main(
    recipe: str = "cnn6-stable",
    generator: str = "dcgan",
    root: Path = Path(),
    seeds: int = 20,
    first_seed: int = 1,
    threads: list[int] = [1, 2, 4],  # noqa: B006
    precisions: list[str] = ["fp32", "bf16"],  # noqa: B006
    patches: int = 500,
    records: Path = Path("work/recipe_health.jsonl"),
) -> None:
    """Train with every combination; `patches` is the number of patches per class of both training sets."""
    settings = load_section("train_classifier", TrainClassifierSettings)
    original = _some(open_patch_set(root / layout.TRAIN), patches)
    valid = open_patch_set(root / layout.VALID)
    synthetic = {
        label: _some(open_patch_set(root / folder), patches)
        for label, folder in layout.synthetic_sets(generator).items()
    }
    made_from = CacheKey(
        {"recipe": settings.of(recipe).model_dump(), "regimes": settings.regimes.model_dump()},
        file_hashes(layout.TRAIN, layout.VALID, *layout.synthetic_sets(generator).values(), root=root),
        code_manifest(*_CODE, f"{PLUGINS['classifiers']}.{settings.of(recipe).network}"),
        library_versions("numpy", "torch", "torchvision"),
    ).digest
    records.parent.mkdir(parents=True, exist_ok=True)
    grid = product([recipe], [patches], precisions, threads, REGIMES, range(first_seed, first_seed + seeds))
    done = {_key(row): row for row in _read(records)}
    asked = [
        dict(zip((*_SETTING, "seed"), values, strict=True)) | {"made_from": made_from} for values in grid
    ]
    for row in asked:
        if _key(row) in done:
            continue
        torch.set_num_threads(row["threads"])
        config = TrainClassifierConfig(
            recipe=settings.of(recipe), seed=row["seed"], precision=row["precision"], channels_last=True
        )
        trained = train_classifier(
            *build_regime(row["regime"], original, valid, synthetic, settings.regimes, row["seed"]),
            config,
            device=torch.device("cpu"),
            resume_folder=None,
            logger=NullLogger(),
            desc="-".join(map(str, (*_setting(row), row["seed"]))),
            keep_diverged=True,
        )
        done[_key(row)] = row | {
            # None for a training that diverged before the end of its first epoch.
            "valid_accuracy": max(trained.history["valid_accuracy"].tolist(), default=None),
            "train_loss": next(iter(trained.history["train_loss"].tolist()[::-1]), None),
            "failures": list(trained.health.failures),
        }
        with records.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(done[_key(row)]) + "\n")
    report(list(_figures([done[_key(row)] for row in asked])), {})


def _some(patches: PatchSet, count: int) -> PatchSet:
    """Draw patches of each class; the same ones for every combination."""
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(patches.classes == label) for label in np.unique(patches.classes)]
    return patches.take(np.concatenate([np.sort(rng.permutation(own)[:count]) for own in rows]))


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (*_setting(row), row["seed"], row.get("made_from"))


def _setting(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _SETTING)


def _read(records: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in records.read_text("utf-8").splitlines()] if records.exists() else []


def _figures(rows: list[dict[str, Any]]) -> Iterator[Result]:
    for setting, group in groupby(rows, key=_setting):
        members, name = list(group), " ".join(map(str, setting))
        accuracy = [row["valid_accuracy"] for row in members if row["valid_accuracy"] is not None]
        failed = sum(bool(row["failures"]) for row in members)
        yield Result(f"{name}: not converged", failed, f"of {len(members)}")
        if accuracy:
            yield Result(f"{name}: validation accuracy, mean", float(np.mean(accuracy)), "")
            yield Result(f"{name}: validation accuracy, lowest", min(accuracy), "")
        if len(accuracy) > 1:
            yield Result(f"{name}: validation accuracy, SD", float(np.std(accuracy, ddof=1)), "")
