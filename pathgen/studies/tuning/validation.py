"""Check a search against the rest of params.yaml before anything is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pathgen.classifier.discovery import smallest_image_px
from pathgen.classifier.settings import TrainClassifierSettings, mixed_counts
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.params import Settings, parse_section
from pathgen.gan.settings import SynthesiseSettings
from pathgen.studies.tuning.overrides import changed_by, field_value, tried_values, values_of, with_fields
from pathgen.studies.tuning.settings import TuningSettings

_SECTIONS: dict[str, type[Settings]] = {
    "train_classifier": TrainClassifierSettings,
    "synthesise": SynthesiseSettings,
}
_REGIMES, _CLASSIFIERS = "train_classifier.regimes", "train_classifier.classifiers"
_PER_CLASS, _VALIDATE_ON = "synthesise.per_class", f"{_REGIMES}.validate_on"
_SHARE = f"{_REGIMES}.mixed_synthetic"
_MIXED_ALONE = (f"{_REGIMES}.mixed_original", _SHARE)


def check_search(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> None:
    """Refuse an invalid search, or one that would not be scored on original validation patches.

    Args:
        params: Content of params.yaml.
        settings: Section ``tuning``.
        path: Name of the file, for messages.

    Raises:
        PathgenErrors: The search has problems, see `search_problems`.
    """
    problems = search_problems(params, settings, path)
    validate_on = field_value(params, _VALIDATE_ON)
    if validate_on != "original":
        # Not in `search_problems`: a study without a search may use another value.
        reason = f"is {validate_on}, but a search compares trials on original validation patches only"
        problems.append(PathgenError(f"{path}: {_VALIDATE_ON}", reason, "Set it to original for the search"))
    if problems:
        raise PathgenErrors(problems)


def search_problems(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> list[PathgenError]:
    """Check a search against the rest of params.yaml.

    Every field must exist and affect a trial, every bound and choice must be allowed, each network must
    accept patches of the study's size, and no trial may need more synthetic patches than it has.

    Args:
        params: Content of params.yaml, valid without the search.
        settings: Section ``tuning``.
        path: Name of the file, for messages.

    Returns:
        One error per problem.
    """
    problems = []
    if settings.generator not in params["pipeline"]["generators"]:
        reason = f"is {settings.generator}, which is not in pipeline.generators"
        problems.append(PathgenError(f"{path}: tuning.generator", reason, "Choose one of them"))
    if settings.classifier not in params["train_classifier"]["classifiers"]:
        reason = f"is {settings.classifier}, which has no recipe in train_classifier.classifiers"
        problems.append(PathgenError(f"{path}: tuning.classifier", reason, "Choose one of them"))
    for dimension in settings.space:
        for value in dimension.extremes():
            section = dimension.field.split(".")[0]
            try:
                changed = with_fields(params, values_of({dimension.field: value}, [dimension]))
                parse_section(changed, section, _SECTIONS[section], path)
            except PathgenErrors as found:
                problems += [
                    PathgenError(
                        f"{path}: tuning.space", f"the value {value} is invalid: {error}", "Remove it"
                    )
                    for error in found.errors
                ]
            except PathgenError as problem:
                problems.append(problem)
                break
    return problems or [
        *_of_fields(settings, path),
        *_of_amounts(params, settings, path),
        *_of_networks(params, settings, path),
    ]


def _of_fields(settings: TuningSettings, path: Path) -> list[PathgenError]:
    """Find fields without an effect, and fields set by two dimensions."""
    problems, known = [], set[str]()
    for field in (field for dimension in settings.space for field in changed_by(dimension)):
        problem = _useless(field, settings)
        if problem is None and field in known:
            problem = "is set by two dimensions", "Remove one of them"
        known.add(field)
        if problem is not None:
            reason, hint = problem
            problems.append(PathgenError(f"{path}: tuning.space", f"{field} {reason}", hint))
    return problems


def _useless(field: str, settings: TuningSettings) -> tuple[str, str] | None:
    """Return why a field has no effect on a trial, and a hint; None for a field that has one."""
    if field.startswith(f"{_CLASSIFIERS}."):
        owner = field.split(".")[2]
        if owner != settings.classifier:
            reason = f"belongs to another classifier than tuning.classifier ({settings.classifier})"
            return reason, f"Choose a field of {settings.classifier}, or set tuning.classifier to {owner}"
        return None
    if field in _MIXED_ALONE and settings.regime != "mixed":
        return (
            f"has no effect with tuning.regime {settings.regime}",
            "Remove it, or set tuning.regime to mixed",
        )
    if field == _PER_CLASS and settings.regime == "original":
        return "has no effect with tuning.regime original", "Remove it, or change tuning.regime"
    if field.startswith(f"{_REGIMES}.") and field not in _MIXED_ALONE:
        return "cannot be searched: all trials are scored on original validation patches", "Remove it"
    return None


def _of_networks(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> list[PathgenError]:
    """Find networks that do not accept patches of the study's size."""
    field, size_px = f"{_CLASSIFIERS}.{settings.classifier}.network", params["extract"]["size_px"]
    needs = {
        network: smallest_image_px(network)
        for network in tried_values(settings.space, field, field_value(params, field))
    }
    return [
        PathgenError(
            f"{path}: tuning.space",
            f"{field} {network} needs patches of {needed} px, but extract.size_px is {size_px}",
            "Remove it, tune another classifier, or raise extract.size_px",
        )
        for network, needed in needs.items()
        if needed > size_px
    ]


def _of_amounts(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> list[PathgenError]:
    """Compare the most synthetic patches that a mixed trial needs with the fewest that it may have."""
    if settings.regime != "mixed":
        return []
    share = max(tried_values(settings.space, _SHARE, field_value(params, _SHARE)))
    _, needed = mixed_counts(params["sample"]["per_class"]["train"], 1.0, share)
    fewest = min(tried_values(settings.space, _PER_CLASS, field_value(params, _PER_CLASS)))
    if fewest >= needed:
        return []
    searched = any(dimension.field == _PER_CLASS for dimension in settings.space)
    subject = f"tuning.space: {_PER_CLASS}" if searched else _PER_CLASS
    reason = f"can be {fewest}, but mixed needs {needed} per class with mixed_synthetic {share}"
    hint = f"Raise the smallest {_PER_CLASS} to {needed}, or lower mixed_synthetic"
    return [PathgenError(f"{path}: {subject}", reason, hint)]
