"""What of a search space can be seen to be wrong before anything is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pathgen.classifier.discovery import smallest_image_px
from pathgen.classifier.mixing import mixed_counts
from pathgen.classifier.settings import TrainClassifierSettings
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
    """Refuse a search that `search_problems` finds wrong, or that would not be judged on original patches.

    Raises:
        PathgenErrors: All that is wrong with it.
    """
    problems = search_problems(params, settings, path)
    judges = field_value(params, _VALIDATE_ON)
    if judges != "original":
        # Not among those problems: a study that is never searched may have it otherwise.
        reason = f"is {judges}, and a search compares on original validation patches only"
        problems.append(PathgenError(f"{path}: {_VALIDATE_ON}", reason, "Set it to original for the search"))
    if problems:
        raise PathgenErrors(problems)


def search_problems(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> list[PathgenError]:
    """Check a search against the rest of the params.

    Every field exists and changes what a trial trains, every end and choice is allowed, each network takes
    patches of the study's size, and each trial has as many synthetic ones as it takes.

    Args:
        params: The whole params file, plain, valid in itself.
        settings: Its section `tuning`.
        path: The file's name, for messages.

    Returns:
        One error per problem.
    """
    problems = []
    if settings.generator not in params["pipeline"]["generators"]:
        reason = f"is {settings.generator}, which pipeline.generators does not train"
        problems.append(PathgenError(f"{path}: tuning.generator", reason, "Name one of those"))
    if settings.classifier not in params["train_classifier"]["classifiers"]:
        reason = f"is {settings.classifier}, which train_classifier.classifiers does not describe"
        problems.append(PathgenError(f"{path}: tuning.classifier", reason, "Name one of those"))
    for dimension in settings.space:
        for value in dimension.extremes():
            section = dimension.field.split(".")[0]
            try:
                changed = with_fields(params, values_of({dimension.field: value}, [dimension]))
                parse_section(changed, section, _SECTIONS[section], path)
            except PathgenErrors as found:
                problems += [
                    PathgenError(f"{path}: tuning.space", f"{value} leads to {error}", "Leave it out")
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
    """Find the fields that no trial looks at, and those that two dimensions set."""
    problems, known = [], set[str]()
    for field in (field for dimension in settings.space for field in changed_by(dimension)):
        problem = _useless(field, settings)
        if problem is None and field in known:
            problem = "is set by two dimensions, and the later one wins", "Leave one of them out"
        known.add(field)
        if problem is not None:
            reason, hint = problem
            problems.append(PathgenError(f"{path}: tuning.space", f"{field} {reason}", hint))
    return problems


def _useless(field: str, settings: TuningSettings) -> tuple[str, str] | None:
    """Say why no trial looks at a field, and what to do; None for one that shapes what is trained."""
    if field.startswith(f"{_CLASSIFIERS}."):
        owner = field.split(".")[2]
        if owner != settings.classifier:
            reason = f"is of another classifier than tuning.classifier ({settings.classifier})"
            return reason, f"Name a field of {settings.classifier}, or set tuning.classifier to {owner}"
        return None
    if field in _MIXED_ALONE and settings.regime != "mixed":
        return f"changes nothing under tuning.regime {settings.regime}", "Leave it out, or search mixed"
    if field == _PER_CLASS and settings.regime == "original":
        return "changes nothing under tuning.regime original", "Leave it out, or search mixed or synthetic"
    if field.startswith(f"{_REGIMES}.") and field not in _MIXED_ALONE:
        return "is not searched: all trials are judged on original validation patches", "Leave it out"
    return None


def _of_networks(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> list[PathgenError]:
    """Find the networks that take no patches as small as the study's."""
    field, size_px = f"{_CLASSIFIERS}.{settings.classifier}.network", params["extract"]["size_px"]
    needs = {
        network: smallest_image_px(network)
        for network in tried_values(settings.space, field, field_value(params, field))
    }
    return [
        PathgenError(
            f"{path}: tuning.space",
            f"{field} {network} needs patches of {needed} px, and extract.size_px is {size_px}",
            "Leave it out, tune another classifier, or raise extract.size_px",
        )
        for network, needed in needs.items()
        if needed > size_px
    ]


def _of_amounts(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> list[PathgenError]:
    """Compare the largest number of synthetic patches that a trial takes with the smallest it may have."""
    if settings.regime != "mixed":
        return []
    share = max(tried_values(settings.space, _SHARE, field_value(params, _SHARE)))
    _, needed = mixed_counts(params["sample"]["per_class"]["train"], 1.0, share)
    fewest = min(tried_values(settings.space, _PER_CLASS, field_value(params, _PER_CLASS)))
    if fewest >= needed:
        return []
    searched = any(dimension.field == _PER_CLASS for dimension in settings.space)
    subject = f"tuning.space: {_PER_CLASS}" if searched else _PER_CLASS
    reason = f"may be {fewest}, but mixed takes {needed} per class with mixed_synthetic {share}"
    hint = f"Raise the smallest {_PER_CLASS} to {needed}, or lower mixed_synthetic"
    return [PathgenError(f"{path}: {subject}", reason, hint)]
