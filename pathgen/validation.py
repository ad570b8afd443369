"""Check a whole params file: every section, and what must fit between sections; all problems at once."""

from pathlib import Path

from pathgen.classifier.discovery import smallest_image_px
from pathgen.classifier.mixing import mixed_counts
from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.params import PARAMS_FILE, Settings, parse_section, read_params
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.gan import generators
from pathgen.gan.generators.base import Study
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings
from pathgen.jobs.settings import JobSettings
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.patches.settings import ExtractSettings, SampleSettings
from pathgen.privacy.settings import PrivacySettings
from pathgen.release.settings import ReleaseSettings
from pathgen.report.settings import ReportSettings
from pathgen.run_matrix import PipelineSettings
from pathgen.sources.discovery import load_source, parse_cohort
from pathgen.sources.settings import CohortSettings
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.tuning.settings import TuningSettings, TuningWorkSettings
from pathgen.studies.tuning.validation import search_problems
from pathgen.survey.settings import SurveySettings
from pathgen.tracking.settings import TrackingSettings
from pathgen.training.settings import ComputeSettings
from pathgen.wsi.settings import IndexSettings

SECTIONS: dict[str, type[Settings]] = {
    "pipeline": PipelineSettings,
    "compute": ComputeSettings,
    "tracking": TrackingSettings,
    "jobs": JobSettings,
    "cohort": CohortSettings,
    "index": IndexSettings,
    "sample": SampleSettings,
    "extract": ExtractSettings,
    "survey": SurveySettings,
    "train_gan": TrainGanSettings,
    "synthesise": SynthesiseSettings,
    "train_classifier": TrainClassifierSettings,
    "evaluate": EvaluateSettings,
    "fidelity": FidelitySettings,
    "privacy": PrivacySettings,
    "report": ReportSettings,
    "release": ReleaseSettings,
    "tuning": TuningSettings,
    "tuning_work": TuningWorkSettings,
    "scaling": ScalingSettings,
}


def validate_params(path: Path = PARAMS_FILE) -> None:
    """Check every section of a params file, and the rules between sections.

    Args:
        path: The file.

    Raises:
        PathgenError: The file cannot be read at all.
        PathgenErrors: One error per problem of any section, with path, value and what is allowed.
    """
    params = read_params(path)
    problems: list[PathgenError] = [
        PathgenError(f"{path}: {name}", "is no known section", f"Remove it; known: {', '.join(SECTIONS)}")
        for name in sorted(set(params) - set(SECTIONS))
    ]
    checked: dict[str, Settings] = {}
    for name, model in SECTIONS.items():
        try:
            checked[name] = (
                parse_cohort(params, path) if name == "cohort" else parse_section(params, name, model, path)
            )
        except PathgenErrors as found:
            problems += found.errors
    problems += _between(checked, path)
    tuning = checked.get("tuning")
    if not problems and isinstance(tuning, TuningSettings):
        problems += search_problems(params, tuning, path)
    if problems:
        raise PathgenErrors(problems)


def _between(checked: dict[str, Settings], path: Path) -> list[PathgenError]:
    """Check what one section asks of another, as far as both are right in themselves."""
    problems = []
    extract, index, cohort = checked.get("extract"), checked.get("index"), checked.get("cohort")
    sample, synthesise = checked.get("sample"), checked.get("synthesise")
    train, pipeline = checked.get("train_classifier"), checked.get("pipeline")
    from_slides = isinstance(cohort, CohortSettings) and load_source(cohort.source).has_slides
    if isinstance(extract, ExtractSettings):
        size = extract.size_px
        if size & (size - 1):
            problems.append(
                PathgenError(
                    f"{path}: extract.size_px",
                    f"is {size}: the generators make squares of 8, 16, 32, 64, ... px",
                    "Choose one of them",
                )
            )
        if from_slides and isinstance(index, IndexSettings) and size > index.patch_px:
            problems.append(
                PathgenError(
                    f"{path}: extract.size_px",
                    f"is {size}, larger than index.patch_px ({index.patch_px}): patches are never enlarged",
                    "Lower it",
                )
            )
    if (
        isinstance(sample, SampleSettings)
        and isinstance(synthesise, SynthesiseSettings)
        and isinstance(train, TrainClassifierSettings)
        and isinstance(pipeline, PipelineSettings)
        and "mixed" in pipeline.regimes
    ):
        train_size = sample.per_class.train
        _, needed = mixed_counts(train_size, train.regimes.mixed_original, train.regimes.mixed_synthetic)
        if synthesise.per_class < needed:
            problems.append(
                PathgenError(
                    f"{path}: synthesise.per_class",
                    f"is {synthesise.per_class}, but mixed takes {needed} per class",
                    "Raise it, or lower train_classifier.regimes.mixed_synthetic",
                )
            )
    if isinstance(train, TrainClassifierSettings) and isinstance(pipeline, PipelineSettings):
        size_px = extract.size_px if isinstance(extract, ExtractSettings) else None
        problems += _of_classifiers(train, pipeline, size_px, path)
    train_gan = checked.get("train_gan")
    if isinstance(train_gan, TrainGanSettings):
        study = None
        if isinstance(cohort, CohortSettings) and isinstance(sample, SampleSettings):
            study = Study(sample.per_class.train, slides_known=load_source(cohort.source).has_slide_ids)
        problems += _of_generators(
            train_gan,
            synthesise if isinstance(synthesise, SynthesiseSettings) else None,
            pipeline if isinstance(pipeline, PipelineSettings) else None,
            study,
            path,
        )
    scaling = checked.get("scaling")
    if (
        isinstance(scaling, ScalingSettings)
        and isinstance(train, TrainClassifierSettings)
        and isinstance(sample, SampleSettings)
        and isinstance(pipeline, PipelineSettings)
    ):
        problems += _of_scaling(scaling, train, sample.per_class.train, pipeline, path)
    return problems


def _of_classifiers(
    train: TrainClassifierSettings, pipeline: PipelineSettings, size_px: int | None, path: Path
) -> list[PathgenError]:
    """Check that each classifier is described, and that its network takes patches of this size."""
    problems = []
    for name in pipeline.classifiers:
        if name not in train.classifiers:
            hint = f"Add train_classifier.classifiers.{name}, or choose from {[*train.classifiers]}"
            reason = f"names {name}, which is not described"
            problems.append(PathgenError(f"{path}: pipeline.classifiers", reason, hint))
            continue
        network = train.classifiers[name].network
        smallest = smallest_image_px(network)
        if size_px is not None and size_px < smallest:
            reason = f"is {size_px}, but the network {network} of classifier {name} needs {smallest} px"
            problems.append(PathgenError(f"{path}: extract.size_px", reason, "Raise it, or take another"))
    return problems


def _of_generators(
    train_gan: TrainGanSettings,
    synthesise: SynthesiseSettings | None,
    pipeline: PipelineSettings | None,
    study: Study | None,
    path: Path,
) -> list[PathgenError]:
    """Check every recipe, its sampling settings, and whether the trained ones fit the study."""
    problems: list[PathgenError] = []
    trained = [] if pipeline is None else pipeline.generators
    for name in dict.fromkeys([*train_gan.generators, *trained]):
        try:
            recipe = train_gan.recipe(name, path)
        except (PathgenError, PathgenErrors) as found:
            problems += found.errors if isinstance(found, PathgenErrors) else [found]
            continue
        if name in trained and study is not None:
            problems += [
                PathgenError(f"{path}: train_gan.generators.{name}.{field}", reason, hint)
                for field, reason, hint in recipe.problems(study)
            ]
    for name, sampling in ({} if synthesise is None else synthesise.sampling).items():
        subject, network = f"synthesise.sampling.{name}", train_gan.generators.get(name, {}).get("network")
        if network is None:
            hint = f"Remove it, or choose from {[*train_gan.generators]}"
            problems.append(PathgenError(f"{path}: {subject}", "is not a recipe of train_gan", hint))
        elif network in generators.names():
            try:
                parse_section({subject: sampling}, subject, generators.load(network).sampling, path)
            except PathgenErrors as found:
                problems += found.errors
    return problems


def _of_scaling(
    scaling: ScalingSettings,
    train: TrainClassifierSettings,
    originals: int,
    pipeline: PipelineSettings,
    path: Path,
) -> list[PathgenError]:
    """Check that the study makes what the scaling experiment asks for, and that its steps can show it."""
    problems = []
    for name in ("generators", "classifiers"):
        there = getattr(pipeline, name)
        for wanted in getattr(scaling, name):
            if wanted not in there:
                hint = f"Add it to pipeline.{name}, or choose from {there}"
                reason = f"names {wanted}, which the study does not train"
                problems.append(PathgenError(f"{path}: scaling.{name}", reason, hint))
    if max(scaling.original_sizes) > originals:
        reason = f"asks for {max(scaling.original_sizes)} per class, of which there are {originals}"
        hint = "Remove the size, or raise sample.per_class.train"
        problems.append(PathgenError(f"{path}: scaling.original_sizes", reason, hint))
    batches = [
        train.classifiers[name].batch_size for name in scaling.classifiers if name in train.classifiers
    ]
    sizes = [*scaling.original_sizes, *(size for size in scaling.synthetic_sizes if isinstance(size, int))]
    shown = scaling.training.max_steps * min(batches, default=max(sizes) * 2) // 2
    if max(sizes) > shown:
        reason = f"is too small: {shown} patches per class are seen, a size of {max(sizes)} is asked for"
        hint = "Raise it (all points run again), or replace the size by unlimited"
        problems.append(PathgenError(f"{path}: scaling.training.max_steps", reason, hint))
    if "unlimited" in scaling.synthetic_sizes:
        # As `per_class` of pathgen.studies.scaling.subsets has it.
        unlimited = {-(-scaling.training.max_steps * batch // 2) for batch in batches}
        for size in scaling.synthetic_sizes:
            if size in unlimited:
                reason = f"holds {size} and unlimited, which is {size} per class here: the same points twice"
                problems.append(PathgenError(f"{path}: scaling.synthetic_sizes", reason, f"Remove {size}"))
    return problems
