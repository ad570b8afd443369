"""What a release is made of: the results of one finished study."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.labels import LABELS
from pathgen.core.params import PARAMS_FILE, parse_section, read_params
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import ROLES
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.release.settings import ReleaseSettings
from pathgen.report.context import Results, gather_results
from pathgen.report.load import ReportInputs, inputs_under, read_json
from pathgen.report.settings import ReportSettings
from pathgen.run_matrix import PipelineSettings
from pathgen.validation import validate_params

_MAKE = "Run `dvc repro`"


@dataclass(frozen=True)
class Finished:
    """One generator's part of a finished study.

    Attributes:
        inputs: Where the study's results lie.
        generator: The generator's id.
        params: All of params.yaml, as plain data.
        settings: Its section `release`.
        report: Its section `report`.
        sets: Label to the synthetic patches.
        training: Table of the original patches that the generator has learnt from.
        cohort: The slides.
        privacy: Content of the audit's metrics.json.
        fidelity: Content of the generator's fidelity results.
        results: The evaluated classifiers of all generators.
        page: Text of report/index.html.
    """

    inputs: ReportInputs
    generator: str
    params: dict[str, Any]
    settings: ReleaseSettings
    report: ReportSettings
    sets: Mapping[str, PatchSet]
    training: pd.DataFrame
    cohort: pd.DataFrame
    privacy: Mapping[str, Any]
    fidelity: Mapping[str, Any]
    results: Results
    page: str

    @property
    def originals(self) -> list[Path]:
        """The folders of original patches, of all roles."""
        return [self.inputs.patches / role for role in ROLES]


def read_finished(root: Path, generator: str) -> Finished:
    """Read what a release of one generator needs.

    Args:
        root: The checkout.
        generator: The generator's id, e.g. ``dcgan`` or ``dcgan.2``.

    Raises:
        PathgenErrors: The settings are wrong, the study has no such generator, or results are missing: all
            that is missing at once.
    """
    file = root / PARAMS_FILE
    validate_params(file)
    params = read_params(file)
    known = parse_section(params, "pipeline", PipelineSettings, file).generators
    if generator not in known:
        raise PathgenErrors([PathgenError(generator, "is no generator of the study", f"Choose of {known}")])
    inputs = inputs_under(root)
    page = root / "report" / "index.html"
    sets = {str(label): inputs.synthetic / f"{generator}-{label}" for label in LABELS}
    audited, likeness = (
        inputs.privacy / generator / "metrics.json",
        inputs.fidelity / f"{generator}.json",
    )
    originals = [inputs.patches / role for role in ROLES]
    needed = [*sets.values(), *originals, audited, likeness, inputs.evaluate, inputs.cohort, page]
    missing = [path for path in needed if not path.exists()]
    if missing:
        raise PathgenErrors([PathgenError(path, "is not there", _MAKE) for path in missing])
    report = parse_section(params, "report", ReportSettings, file)
    return Finished(
        inputs=inputs,
        generator=generator,
        params=params,
        settings=parse_section(params, "release", ReleaseSettings, file),
        report=report,
        sets={label: open_patch_set(folder) for label, folder in sets.items()},
        training=open_patch_set(inputs.patches / "train").index,
        cohort=read_table(inputs.cohort),
        privacy=read_json(audited) or {},
        fidelity=read_json(likeness) or {},
        results=gather_results(inputs, report.confidence),
        page=page.read_text(encoding="utf-8"),
    )
