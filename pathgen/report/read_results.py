"""Read the results of a study. A file that is absent gives None or is left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pandas as pd

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.labels import LABELS
from pathgen.core.params import parse_section, read_params
from pathgen.patches.parquet import read_table
from pathgen.results.audit_record import Audit
from pathgen.results.evaluation_record import Confusion, Evaluation, SyntheticEvaluation
from pathgen.results.fidelity_record import Fidelity
from pathgen.results.health_record import ClassifierHealth
from pathgen.results.record import Number
from pathgen.results.training_record import GeneratorMeta
from pathgen.run_matrix import PipelineSettings, RunKey
from pathgen.webpage.cohort_tables import readable

_REDO = "Run `dvc repro` again"


@dataclass(frozen=True)
class Run:
    """Evaluation of one trained classifier on the original test set; None where a file is absent.

    Attributes:
        key: Regime, generator, classifier and seed.
        metrics: Metric name to value; null or absent where it is undefined.
        confusion: Patches by actual and predicted class.
        health: Whether the training converged; None when unknown.
        per_slide: One row per test slide, columns ``slide``, ``n`` and metrics.
        reliability: Reliability curve, columns ``mean_score``, ``tumor_share`` and ``n``.
    """

    key: RunKey
    metrics: Mapping[str, Number | None]
    confusion: Confusion
    health: ClassifierHealth | None = None
    per_slide: pd.DataFrame | None = None
    reliability: pd.DataFrame | None = None

    @property
    def converged(self) -> bool:
        """Whether nothing is known against the training."""
        return self.health is None or self.health.converged


def read_pipeline(root: Path) -> PipelineSettings:
    """Read the section `pipeline` of a checkout."""
    file = root / layout.PARAMS
    return parse_section(read_params(file), "pipeline", PipelineSettings, file)


def read_csv(path: Path) -> pd.DataFrame | None:
    """Read a CSV table, or return None when there is no such file.

    Raises:
        PathgenError: The file is empty or not a table.
    """
    if not path.exists():
        return None
    try:
        return pd.read_csv(path, dtype={"slide": str})
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as problem:
        raise PathgenError(path, f"not readable as a table: {problem}", _REDO) from None


@dataclass(frozen=True)
class Tables:
    """Tables of the data.

    Attributes:
        cohort: The slides.
        samples: The sampled patches that could be read.
        extracted: The extraction, by slide.
    """

    cohort: pd.DataFrame
    samples: pd.DataFrame
    extracted: pd.DataFrame

    @property
    def sources(self) -> list[str]:
        """Sources of the patches."""
        return sorted(self.cohort["source"].unique())


def read_tables(root: Path) -> Tables:
    """Read the tables of the data of a checkout.

    Raises:
        PathgenError: A table is missing or damaged.
    """
    extracted = read_table(root / layout.EXTRACTED_SLIDES)
    samples = readable(read_table(root / layout.SAMPLES), extracted)
    return Tables(read_table(root / layout.COHORT), samples, extracted)


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.glob("[!.]*") if path.is_dir())


def read_runs(root: Path) -> list[Run]:
    """Read every evaluated run of a checkout but those of controls, in order.

    Raises:
        PathgenError: A folder is not named as a run, or lacks a readable metrics.json.
    """
    pipeline = read_pipeline(root)
    runs = [_read_run(folder, pipeline) for folder in _folders(root / layout.EVALUATION)]
    return sorted((run for run in runs if not run.key.is_control), key=lambda run: run.key.order)


def _read_run(folder: Path, pipeline: PipelineSettings) -> Run:
    record = Evaluation.load(folder / "metrics.json")
    return Run(
        pipeline.run(folder.name),
        record.metrics,
        record.confusion,
        health=record.health,
        per_slide=read_csv(folder / "per_slide.csv"),
        reliability=read_csv(folder / "reliability.csv"),
    )


def read_trts(root: Path) -> dict[tuple[str, str, int], SyntheticEvaluation]:
    """Read the evaluations on synthetic patches (TRTS) by generator, classifier and seed."""
    pipeline = read_pipeline(root)
    items = product(pipeline.generators, pipeline.classifiers, pipeline.seeds)
    files = {item: root / layout.trts(*item) / "metrics.json" for item in items}
    return {item: SyntheticEvaluation.load(file) for item, file in files.items() if file.parent.exists()}


def read_fidelity(root: Path) -> dict[str, dict[int, Fidelity]]:
    """Read the fidelity of each generator's synthetic sets by replicate; absent files are left out."""
    files = _by_replicate(root, layout.fidelity)
    return {
        name: {replicate: Fidelity.load(file) for replicate, file in own.items()}
        for name, own in files.items()
    }


def read_audits(root: Path) -> dict[str, dict[int, Audit]]:
    """Read the privacy audits of each generator's synthetic sets by replicate; absent files are left out."""
    files = _by_replicate(root, lambda *item: layout.privacy(*item) / "metrics.json")
    return {
        name: {replicate: Audit.load(file) for replicate, file in own.items()} for name, own in files.items()
    }


def _by_replicate(root: Path, place: Callable[[str, int], Path]) -> dict[str, dict[int, Path]]:
    """Return the files that exist, by generator and replicate; generators without a file are left out."""
    pipeline = read_pipeline(root)
    found = {
        name: {one: file for one in pipeline.all_replicates if (file := root / place(name, one)).exists()}
        for name in pipeline.generators
    }
    return {name: files for name, files in found.items() if files}


def read_generator(root: Path, generator: str) -> dict[str, GeneratorMeta]:
    """Read model.json of a generator's released checkpoints, by label; absent checkpoints are left out.

    Args:
        root: Checkout.
        generator: Name of the generator.

    Raises:
        PathgenError: A model.json is damaged.
    """
    files = {str(label): root / layout.gan_model(generator, label) / "model.json" for label in LABELS}
    return {label: GeneratorMeta.load(file) for label, file in files.items() if file.exists()}
