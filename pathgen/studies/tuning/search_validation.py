"""Check a search against the rest of params.yaml before anything is trained."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pathgen.classifier.network_discovery import load_network
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


def check_search(params: Mapping[str, Any], settings: TuningSettings, path: Path) -> None:
    """Refuse an invalid search, or one that would not be scored on original validation patches.

    Args:
        params: Content of params.yaml.
        settings: Section ``tuning``.
        path: Params file, for messages.

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
    for name, known in (
        ("generator", params["pipeline"]["generators"]),
        ("classifier", params["train_classifier"]["classifiers"]),
    ):
        if getattr(settings, name) not in known:
            reason = f"is {getattr(settings, name)}, which is not among {[*known]}"
            problems.append(PathgenError(f"{path}: tuning.{name}", reason, "Choose one of them"))
    for dimension in settings.space:
        for value in dimension.extremes():
            section = dimension.field.split(".")[0]
            try:
                changed = with_fields(params, values_of({dimension.field: value}, [dimension]))
                parse_section(changed, section, _SECTIONS[section], path)
            except PathgenErrors as found:
                problems += [
                    PathgenError(f"{path}: tuning.space", f"the value {value}: {error}", "Remove it")
                    for error in found.errors
                ]
            except PathgenError as problem:
                problems.append(problem)
                break
    if problems:
        return problems
    found_in_space = [*_of_fields(settings), *_of_amounts(params, settings), *_of_networks(params, settings)]
    return [PathgenError(f"{path}: tuning.space", reason, hint) for reason, hint in found_in_space]


def _of_fields(settings: TuningSettings) -> Iterator[tuple[str, str]]:
    """Find fields without an effect on a trial, and fields set by two dimensions."""
    recipe = f"{_CLASSIFIERS}.{settings.classifier}."
    useful = {
        "original": [],
        "synthetic": [_PER_CLASS],
        "mixed": [_PER_CLASS, f"{_REGIMES}.mixed_original", _SHARE],
    }[settings.regime]
    fields = [field for dimension in settings.space for field in changed_by(dimension)]
    for field, times in Counter(fields).items():
        if not field.startswith(recipe) and field not in useful:
            reason = f"{field} has no effect on {settings.classifier} in the regime {settings.regime}"
            yield reason, f"Search {', '.join([recipe + '*', *useful])}, or change tuning"
        elif times > 1:
            yield f"{field} is set by two dimensions", "Remove one of them"


def _of_amounts(params: Mapping[str, Any], settings: TuningSettings) -> Iterator[tuple[str, str]]:
    """Compare the most synthetic patches that a mixed trial needs with the fewest that it may have."""
    if settings.regime == "mixed":
        share = max(tried_values(params, settings.space, _SHARE))
        _, needed = mixed_counts(params["sample"]["per_class"]["train"], 1.0, share)
        fewest = min(tried_values(params, settings.space, _PER_CLASS))
        if fewest < needed:
            yield (
                f"{_PER_CLASS} can be {fewest}, but mixed needs {needed} with mixed_synthetic {share}",
                f"Raise the smallest {_PER_CLASS} to {needed}, or lower mixed_synthetic",
            )


def _of_networks(params: Mapping[str, Any], settings: TuningSettings) -> Iterator[tuple[str, str]]:
    """Find networks that do not accept patches of the study's size."""
    field, size_px = f"{_CLASSIFIERS}.{settings.classifier}.network", params["extract"]["size_px"]
    for network in tried_values(params, settings.space, field):
        if (needed := load_network(network).SMALLEST_IMAGE_PX) > size_px:
            yield (
                f"{field} {network} needs patches of {needed} px, but extract.size_px is {size_px}",
                "Remove it, tune another classifier, or raise extract.size_px",
            )
