"""The checked settings of one study, and the file they are in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core.files import atomic_path
from pathgen.core.params import PARAMS_FILE, parse_section, read_params
from pathgen.core.profiles import compose_profile
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings
from pathgen.jobs.settings import JobSettings
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.patches.settings import ExtractSettings, SampleSettings
from pathgen.privacy.settings import PrivacySettings
from pathgen.run_matrix import PipelineSettings
from pathgen.sources.settings import CohortSettings
from pathgen.studies.dp_sweep.settings import DpSweepSettings
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.tuning.settings import TuningSettings
from pathgen.training.settings import ComputeSettings
from pathgen.validation import validate_params


@dataclass(frozen=True)
class Study:
    """A params file that is valid as a whole, and those of its sections that cost something.

    Attributes:
        file: The params file.
        params: All of it, as plain data.
    """

    file: Path
    params: dict[str, Any]
    pipeline: PipelineSettings
    compute: ComputeSettings
    jobs: JobSettings
    cohort: CohortSettings
    sample: SampleSettings
    extract: ExtractSettings
    train_gan: TrainGanSettings
    synthesise: SynthesiseSettings
    train_classifier: TrainClassifierSettings
    fidelity: FidelitySettings
    privacy: PrivacySettings
    scaling: ScalingSettings
    dp_sweep: DpSweepSettings
    tuning: TuningSettings


def find_profile(named: str | None, root: Path) -> Path:
    """Return the params file that a user means.

    Args:
        named: Name of a profile (composed into work/profiles/), the path of a file, or None for the
            checkout's own params.yaml.
        root: The checkout.

    Raises:
        PathgenError: There is neither such a profile nor such a file.
    """
    if named is None:
        return root / PARAMS_FILE
    if Path(named).is_file():
        return Path(named)
    text = compose_profile(named)
    file = root / "work" / "profiles" / f"{named}.yaml"
    with atomic_path(file) as draft:
        draft.write_text(text, encoding="utf-8")
    return file


def read_study(file: Path) -> Study:
    """Read and check a params file as the first stage of the pipeline does.

    Args:
        file: The params file.

    Raises:
        PathgenErrors: One error per problem of any section.
    """
    validate_params(file)
    params = read_params(file)
    return Study(
        file=file,
        params=params,
        pipeline=parse_section(params, "pipeline", PipelineSettings, file),
        compute=parse_section(params, "compute", ComputeSettings, file),
        jobs=parse_section(params, "jobs", JobSettings, file),
        cohort=parse_section(params, "cohort", CohortSettings, file),
        sample=parse_section(params, "sample", SampleSettings, file),
        extract=parse_section(params, "extract", ExtractSettings, file),
        train_gan=parse_section(params, "train_gan", TrainGanSettings, file),
        synthesise=parse_section(params, "synthesise", SynthesiseSettings, file),
        train_classifier=parse_section(params, "train_classifier", TrainClassifierSettings, file),
        fidelity=parse_section(params, "fidelity", FidelitySettings, file),
        privacy=parse_section(params, "privacy", PrivacySettings, file),
        scaling=parse_section(params, "scaling", ScalingSettings, file),
        dp_sweep=parse_section(params, "dp_sweep", DpSweepSettings, file),
        tuning=parse_section(params, "tuning", TuningSettings, file),
    )
