"""Check a whole params file: every section, and the rules between sections; report all problems at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pathgen.classifier.network_discovery import load_network
from pathgen.classifier.settings import TrainClassifierSettings, mixed_counts
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.params import PARAMS_FILE, Settings, parse_section, read_params
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.gan import generators
from pathgen.gan.generators.interface import Study
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings
from pathgen.jobs.settings import JobSettings
from pathgen.metrics.fidelity.settings import FidelitySettings
from pathgen.patches.settings import ExtractSettings, SampleSettings
from pathgen.privacy.settings import PrivacySettings
from pathgen.release.settings import ReleaseSettings
from pathgen.report.settings import ReportSettings
from pathgen.run_matrix import PipelineSettings
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source, parse_cohort
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.tuning.search_validation import search_problems
from pathgen.studies.tuning.settings import TuningSettings, TuningWorkSettings
from pathgen.survey.settings import SurveySettings
from pathgen.tracking.settings import TrackingSettings
from pathgen.training.settings import ComputeSettings
from pathgen.verdict.settings import VerdictSettings
from pathgen.wsi.settings import IndexSettings

#: Setting, reason and hint of a problem.
Problem = tuple[str, str, str]


class StudySettings(Settings):
    """All sections of a params file."""

    pipeline: PipelineSettings
    compute: ComputeSettings
    tracking: TrackingSettings
    jobs: JobSettings
    cohort: CohortSettings
    index: IndexSettings
    sample: SampleSettings
    extract: ExtractSettings
    survey: SurveySettings
    train_gan: TrainGanSettings
    synthesise: SynthesiseSettings
    train_classifier: TrainClassifierSettings
    evaluate: EvaluateSettings
    fidelity: FidelitySettings
    privacy: PrivacySettings
    verdict: VerdictSettings
    report: ReportSettings
    release: ReleaseSettings
    tuning: TuningSettings
    tuning_work: TuningWorkSettings
    scaling: ScalingSettings


SECTIONS: tuple[str, ...] = tuple(StudySettings.model_fields)


def validate_params(path: Path = PARAMS_FILE) -> StudySettings:
    """Check every section of a params file, then the rules between sections.

    Args:
        path: The params file.

    Returns:
        The settings.

    Raises:
        PathgenError: The file cannot be read at all.
        PathgenErrors: One error per problem, with path, value and allowed values. The rules between sections
            are checked once every section is valid.
    """
    return validate_settings(read_params(path), path)


def validate_settings(params: dict[str, Any], path: Path) -> StudySettings:
    """Check the content of a params file, see `validate_params`; `path` is its name in messages."""
    settings = _parse(params, path)
    found = [
        *_patch_size(settings),
        *_synthetic_patches(settings),
        *_controls(settings),
        *_permutations(settings),
        *_classifiers(settings),
        *_generators(settings, path),
        *_scaling(settings),
    ]
    problems = [PathgenError(f"{path}: {setting}", reason, hint) for setting, reason, hint in found]
    if problems := problems or search_problems(params, settings.tuning, path):
        raise PathgenErrors(problems)
    return settings


def _parse(params: dict[str, Any], path: Path) -> StudySettings:
    problems = [
        PathgenError(f"{path}: {name}", "is not a section", f"Remove it; sections: {', '.join(SECTIONS)}")
        for name in sorted(set(params) - set(SECTIONS))
    ]
    sections: dict[str, Any] = {}
    for name, field in StudySettings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type) and issubclass(model, Settings)
        try:
            sections[name] = (
                parse_cohort(params, path) if name == "cohort" else parse_section(params, name, model, path)
            )
        except PathgenErrors as found:
            problems += found.errors
    if "train_gan" in sections:
        problems += _recipes(sections["train_gan"], sections.get("synthesise"), path)
    if problems:
        raise PathgenErrors(problems)
    return StudySettings.model_construct(None, **sections)


def _recipes(
    train_gan: TrainGanSettings, synthesise: SynthesiseSettings | None, path: Path
) -> list[PathgenError]:
    """Check each recipe and its sampling settings with the classes of its network."""
    problems: list[PathgenError] = []
    sampling = {} if synthesise is None else synthesise.sampling
    for name in dict.fromkeys([*train_gan.generators, *sampling]):
        subject = f"synthesise.sampling.{name}"
        try:
            recipe = train_gan.recipe(name, path)
            if name in sampling:
                model = generators.load(recipe.network).sampling
                parse_section({subject: sampling[name]}, subject, model, path)
        except PathgenErrors as found:
            problems += found.errors
        except PathgenError as found:
            problems.append(found)
    return problems


def _patch_size(study: StudySettings) -> Iterator[Problem]:
    size, index_px = study.extract.size_px, study.index.patch_px
    if size & (size - 1):
        yield "extract.size_px", f"is {size}, which is not a power of two", "Choose 8, 16, 32, 64, ..."
    if load_source(study.cohort.source).has_slides and size > index_px:
        reason = f"is {size}, larger than index.patch_px ({index_px}): patches are never enlarged"
        yield "extract.size_px", reason, "Lower it"


def _synthetic_patches(study: StudySettings) -> Iterator[Problem]:
    if "mixed" not in study.pipeline.regimes:
        return
    regimes, per_class = study.train_classifier.regimes, study.synthesise.per_class
    _, needed = mixed_counts(study.sample.per_class.train, regimes.mixed_original, regimes.mixed_synthetic)
    if per_class < needed:
        reason = f"is {per_class}, but the mixed regime needs {needed} per class"
        yield "synthesise.per_class", reason, "Raise it, or lower train_classifier.regimes.mixed_synthetic"


def _controls(study: StudySettings) -> Iterator[Problem]:
    fresh, per_class = study.sample.per_class.fresh, study.synthesise.per_class
    if "control-fresh" in study.pipeline.controls and fresh < per_class:
        reason = f"is {fresh}, but the control control-fresh needs {per_class} (synthesise.per_class)"
        yield "sample.per_class.fresh", reason, "Raise it, or remove the control from pipeline.controls"


def _permutations(study: StudySettings) -> Iterator[Problem]:
    replicates, privacy = study.pipeline.replicates, study.privacy
    if privacy.n_permutations < (needed := privacy.permutations_needed(replicates)):
        reason = f"is {privacy.n_permutations}, but {replicates} audits need {needed} (pipeline.replicates)"
        yield "privacy.n_permutations", reason, "Raise it; otherwise no result could be significant"


def _classifiers(study: StudySettings) -> Iterator[Problem]:
    recipes, size = study.train_classifier.classifiers, study.extract.size_px
    for name in study.pipeline.classifiers:
        if name not in recipes:
            hint = f"Add train_classifier.classifiers.{name}, or choose from {[*recipes]}"
            yield "pipeline.classifiers", f"names {name}, which has no recipe", hint
        elif size < (smallest := load_network(recipes[name].network).SMALLEST_IMAGE_PX):
            reason = f"is {size}, but the network {recipes[name].network} of {name} needs {smallest} px"
            yield "extract.size_px", reason, "Raise it, or choose another network"


def _generators(study: StudySettings, path: Path) -> Iterator[Problem]:
    recipes = study.train_gan.generators
    facts = Study(study.sample.per_class.train, slides_known=study.cohort.source != "pcam")
    for name in study.pipeline.generators:
        if name not in recipes:
            hint = f"Add train_gan.generators.{name}, or choose from {[*recipes]}"
            yield "pipeline.generators", f"names {name}, which has no recipe", hint
            continue
        for field, reason, hint in study.train_gan.recipe(name, path).problems(facts):
            yield f"train_gan.generators.{name}.{field}", reason, hint


def _scaling(study: StudySettings) -> Iterator[Problem]:
    scaling, originals = study.scaling, study.sample.per_class.train
    for name in ("generators", "classifiers"):
        trained = getattr(study.pipeline, name)
        for wanted in set(getattr(scaling, name)) - set(trained):
            hint = f"Add it to pipeline.{name}, or choose from {trained}"
            yield f"scaling.{name}", f"names {wanted}, which the study does not train", hint
    if max(scaling.original_sizes) > originals:
        reason = f"contains {max(scaling.original_sizes)} per class, but there are {originals}"
        yield "scaling.original_sizes", reason, "Remove the size, or raise sample.per_class.train"
    recipes, steps = study.train_classifier.classifiers, scaling.training.max_steps
    batches = [recipes[name].batch_size for name in scaling.classifiers if name in recipes]
    sizes = [*scaling.original_sizes, *(size for size in scaling.synthetic_sizes if isinstance(size, int))]
    shown = steps * min(batches, default=max(sizes) * 2) // 2
    if max(sizes) > shown:
        reason = f"is too small: {shown} patches per class are shown, but a size is {max(sizes)}"
        yield "scaling.training.max_steps", reason, "Raise it, or replace the size by unlimited"
    if "unlimited" in scaling.synthetic_sizes:
        # As `ScalingStudy._per_class`.
        for size in {-(-steps * batch // 2) for batch in batches} & set(scaling.synthetic_sizes):
            reason = f"holds {size} and unlimited, which is {size} per class here: the same points twice"
            yield "scaling.synthetic_sizes", reason, f"Remove {size}"
