"""Results of one finished study that a release is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pathgen.core import layout
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.params import parse_section, read_params
from pathgen.patches.parquet import read_table
from pathgen.patches.schemas import ROLES
from pathgen.patches.settings import SampleSettings
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.release.settings import ReleaseSettings
from pathgen.report.headline import Results, gather_results
from pathgen.report.read_results import read_generator
from pathgen.report.settings import ReportSettings
from pathgen.results.audit_record import Audit
from pathgen.results.fidelity_record import Fidelity
from pathgen.results.study_record import ReportedStudies
from pathgen.results.training_record import GeneratorMeta
from pathgen.results.verdict_record import GeneratorVerdict, Verdict
from pathgen.run_matrix import PipelineSettings
from pathgen.validation import validate_params


@dataclass(frozen=True)
class ReleaseInputs:
    """One generator's part of a finished study.

    Attributes:
        root: Checkout.
        generator: Name of the generator.
        params: Content of params.yaml as plain data.
        settings: Section `release`.
        sampling: Section `sample`.
        report: Section `report`.
        sets: Label to the synthetic patches of the released replicate, see `layout.RELEASED`.
        training: Table of the generator's training patches.
        cohort: Table of the slides.
        models: Label to model.json of the generator.
        audits: Replicate of the generator to the privacy audit of its synthetic set.
        fidelity: Fidelity of the released set.
        results: Evaluated classifiers of all generators.
        verdict: Verdict of the study.
        verdicts: Its parts on the generator, with its replicates; one per classifier.
        page: Text of report/index.html.
        reported: The optional studies on the page.
    """

    root: Path
    generator: str
    params: dict[str, Any]
    settings: ReleaseSettings
    sampling: SampleSettings
    report: ReportSettings
    sets: Mapping[str, PatchSet]
    training: pd.DataFrame
    cohort: pd.DataFrame
    models: Mapping[str, GeneratorMeta]
    audits: Mapping[int, Audit]
    fidelity: Fidelity
    results: Results
    verdict: Verdict
    verdicts: Sequence[GeneratorVerdict]
    page: str
    reported: ReportedStudies

    @property
    def audit(self) -> Audit:
        """Privacy audit of the released set."""
        return self.audits[layout.RELEASED]

    @property
    def count(self) -> int:
        """Number of released patches."""
        return sum(len(patches) for patches in self.sets.values())

    @property
    def side_px(self) -> int:
        """Side of a released patch, px."""
        return int(next(iter(self.sets.values())).images.shape[1])


def read_inputs(root: Path, generator: str) -> ReleaseInputs:
    """Read what a release of one generator needs.

    Args:
        root: Checkout.
        generator: Name of the generator, e.g. ``dcgan``.

    Raises:
        PathgenErrors: The settings are invalid, the study has no such generator, or results are missing; all
            problems at once.
    """
    file = root / layout.PARAMS
    validate_params(file)
    params = read_params(file)
    pipeline = parse_section(params, "pipeline", PipelineSettings, file)
    known = pipeline.generators
    if generator not in known:
        unknown = PathgenError(generator, "is not a generator of the study", f"Choose one of {known}")
        raise PathgenErrors([unknown])
    sets = {label: root / folder for label, folder in layout.synthetic_sets(generator).items()}
    audits = {
        replicate: root / layout.privacy(generator, replicate) / "metrics.json"
        for replicate in pipeline.all_replicates
    }
    fidelity = root / layout.fidelity(generator)
    page, cohort, answers = root / layout.REPORT / "index.html", root / layout.COHORT, root / layout.VERDICT
    originals = [root / layout.PATCHES / role for role in ROLES]
    needed = [*sets.values(), *originals, *audits.values(), fidelity, root / layout.EVALUATION, answers]
    needed += [cohort, page]
    missing = [PathgenError(path, "is missing", "Run `dvc repro`") for path in needed if not path.exists()]
    if missing:
        raise PathgenErrors(missing)
    verdict = Verdict.load(answers)
    return ReleaseInputs(
        root=root,
        generator=generator,
        params=params,
        settings=parse_section(params, "release", ReleaseSettings, file),
        sampling=parse_section(params, "sample", SampleSettings, file),
        report=parse_section(params, "report", ReportSettings, file),
        sets={label: open_patch_set(folder) for label, folder in sets.items()},
        training=open_patch_set(root / layout.TRAIN).index,
        cohort=read_table(cohort),
        models=read_generator(root, generator),
        audits={replicate: Audit.load(audit) for replicate, audit in audits.items()},
        fidelity=Fidelity.load(fidelity),
        results=gather_results(root),
        verdict=verdict,
        verdicts=[one for one in verdict.generators if one.generator == generator],
        page=page.read_text(encoding="utf-8"),
        reported=ReportedStudies.load(root / layout.REPORT / "studies.json"),
    )
