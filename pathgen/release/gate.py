"""Why a study may not be released: every reason at once."""

import html
import re
from pathlib import Path

from pathgen.core.errors import PathgenError
from pathgen.core.params import PARAMS_FILE
from pathgen.release.duplicates import exact_copies
from pathgen.release.inputs import Finished
from pathgen.release.limits import checks
from pathgen.report.studies import EARLIER_STATE, UNKNOWN_STATE
from pathgen.results.audit import PASSED

_EMBEDDED = re.compile(r"data:[a-z]+/[^\"')\s]+")
_NEEDED = ("creator", "contact", "licence", "original_terms")
_SHOWN = 3


def reasons_against(study: Finished) -> list[PathgenError]:
    """List all that speaks against a release, except that results are stale (see `fresh`)."""
    return [*_verdict(study), *_limits(study), *_copies(study), *_page(study), *_statements(study)]


def stale_reasons(stages: list[str]) -> list[PathgenError]:
    """Say that results do not belong together, given the stages that DVC would run again."""
    if not stages:
        return []
    more = f" and {len(stages) - _SHOWN} more" if len(stages) > _SHOWN else ""
    said = f"out of date are {', '.join(stages[:_SHOWN])}{more}: the results do not belong together"
    return [PathgenError("dvc.yaml", said, "Run `dvc repro`, look at the report again, and then release")]


def _verdict(study: Finished) -> list[PathgenError]:
    file = study.inputs.privacy / study.generator / "metrics.json"
    verdicts = {"": study.privacy.get("verdict")} | {
        f" on {label}": study.privacy.get("labels", {}).get(label, {}).get("verdict") for label in study.sets
    }
    bad = [f"{verdict or 'missing'}{on}" for on, verdict in verdicts.items() if verdict != PASSED]
    if not bad:
        return []
    hint = "See why in report/index.html (Privacy); release another generator's set, or audit more patches"
    return [PathgenError(file, f"the privacy verdict is: {', '.join(bad)}", hint)]


def _limits(study: Finished) -> list[PathgenError]:
    found = []
    for check in checks(study):
        if not check.kept and check.limit is not None:
            told = "was not measured" if check.value is None else f"is {check.value:.4g}"
            bound = "at most" if check.setting.startswith("max_") else "at least"
            said = f"asks for {bound} {check.limit:g}, but the {check.words} {told}"
            found.append(
                PathgenError(
                    f"{PARAMS_FILE}: release.limits.{check.setting}",
                    said,
                    "Better the set or the audit; or change the limit, and answer for it",
                )
            )
    return found


def _copies(study: Finished) -> list[PathgenError]:
    copies = exact_copies(study.sets, study.originals)
    if not copies:
        return []
    label, row = copies[0]
    folder = study.inputs.synthetic / f"{study.generator}-{label}"
    said = (
        f"patch {row} is an original patch, pixel by pixel; so are {len(copies)} in all, turned or mirrored"
    )
    return [PathgenError(folder, said, "Release another generator's set")]


def _page(study: Finished) -> list[PathgenError]:
    page = study.inputs.survey.parents[1] / "index.html"
    found = []
    if study.report.patient_pictures != "left_out":
        hint = "Set it to left_out and run `dvc repro report`"
        said = f"is {study.report.patient_pictures}: {page.name} carries pictures of original slides"
        found.append(PathgenError(f"{PARAMS_FILE}: report.patient_pictures", said, hint))
    if EARLIER_STATE in study.page or UNKNOWN_STATE in study.page:
        # `dvc.yaml` does not know these results, so that `fresh` cannot tell.
        said = "shows scaling, tuning or the like of what is, or may be, an earlier state of the study"
        hint = (
            "Run `make scaling`, `make tuning` or `make dp-sweep` again, or remove its folder in results; "
            "then `dvc repro --force --single-item report`"
        )
        found.append(PathgenError(page, said, hint))
    if study.settings.slide_names == "refuse":
        names = named_in(study.page, identities(study))
        if names:
            said = f"names {len(names)} slides or patients, e.g. {names[0]}"
            hint = (
                "If these are public or pseudonyms, set release.slide_names to allow; else rename the slides"
            )
            found.append(PathgenError(page, said, hint))
    return found


def identities(study: Finished) -> list[str]:
    """Return the names of slides and patients, as far as the source knows them."""
    slides = study.cohort.loc[study.cohort["slide_known"], "slide"]
    return sorted({str(name) for name in [*slides, *study.cohort["patient"].dropna()]})


def named_in(page: str, names: list[str]) -> list[str]:
    """Return those names that a page holds as words of their own, pictures' bytes aside."""
    text = html.unescape(_EMBEDDED.sub("", page))
    return [
        name
        for name in names
        if name in text and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None
    ]


def _statements(study: Finished) -> list[PathgenError]:
    settings = study.settings
    found = [
        PathgenError(f"{PARAMS_FILE}: release.{name}", "is null, but a receiver must know it", "State it")
        for name in _NEEDED
        if getattr(settings, name) is None
    ]
    file = settings.licence_file
    if file is not None and not Path(study.inputs.params.parent, file).is_file():
        found.append(PathgenError(f"{PARAMS_FILE}: release.licence_file", f"{file} is no file", "Correct it"))
    if file is None and (settings.licence or "").startswith("LicenseRef-"):
        said = f"is {settings.licence}, a licence of your own, without its text"
        found.append(
            PathgenError(f"{PARAMS_FILE}: release.licence", said, "Name its text in release.licence_file")
        )
    return found
