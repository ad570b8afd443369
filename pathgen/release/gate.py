"""Reasons why a study may not be released, all at once."""

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pathgen.core import layout
from pathgen.core.errors import PathgenError
from pathgen.core.params import PARAMS_FILE
from pathgen.patches.schemas import ROLES
from pathgen.patches.store import open_patch_set
from pathgen.release.limits import checks
from pathgen.release.release_inputs import ReleaseInputs
from pathgen.results.audit_record import PASSED
from pathgen.results.verdict_record import ReleaseObstacle
from pathgen.tracking.dvc_api import StageState, open_project, stage_states

_EMBEDDED = re.compile(r"data:[a-z]+/[^\"')\s]+")
_REQUIRED = ("creator", "contact", "licence", "original_terms")
_SHOWN = 3
_OF_AUDIT: Sequence[ReleaseObstacle] = ("leak detected", "audit refused", "not audited")
# DVC's word for data that are not there.
_ABSENT = "deleted"


def reasons_against(study: ReleaseInputs) -> list[PathgenError]:
    """List all reasons against a release, except stale results (see `stale_results`)."""
    audit = _audit(study)
    return [
        *audit,
        *_verdict(study, audit_passed=not audit),
        *_accuracy_limit(study),
        *_limits(study),
        *_copies(study),
        *_page(study),
        *_statements(study),
    ]


def stale_results(root: Path, generator: str) -> list[PathgenError]:
    """Return the reason against a release if results are stale or unknown to DVC; none otherwise.

    Args:
        root: Checkout.
        generator: Name of the generator.
    """
    try:
        with open_project(root) as project:
            states = stage_states(project)
    except PathgenError as unknown:
        return [unknown]
    stages = changed_stages(states, ["report", "verdict", f"privacy@{generator}"])
    if not stages:
        return []
    more = f" and {len(stages) - _SHOWN} more" if len(stages) > _SHOWN else ""
    reason = f"these stages are out of date: {', '.join(stages[:_SHOWN])}{more}"
    return [PathgenError("dvc.yaml", reason, "Run `dvc repro`, read the report again, and then release")]


def changed_stages(states: Mapping[str, StageState], targets: Sequence[str]) -> list[str]:
    """Return the changed stages among the targets and everything they depend on.

    Args:
        states: All stages by name.
        targets: Names of stages; one that DVC does not know counts as changed.

    Returns:
        Stages with settings, code, inputs or outputs that differ from what DVC recorded. Data that are only
        absent, as in a clone that pulled only what it needs, are no change.
    """
    found, waiting = set(), list(targets)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += states[name].reads_from if name in states else ()
    return sorted(name for name in found if name not in states or _is_changed(states[name]))


def _is_changed(state: StageState) -> bool:
    return any(
        not isinstance(what, Mapping) or any(how != _ABSENT for how in what.values())
        for what in state.changes.values()
    )


def _audit(study: ReleaseInputs) -> list[PathgenError]:
    """Refuse unless the sets of all replicates have passed: the released one is made by the same recipe."""
    found = []
    for replicate, audit in study.audits.items():
        verdicts = {"": audit.verdict} | {
            f" on {label}": audit.labels[label].verdict if label in audit.labels else "missing"
            for label in study.sets
        }
        bad = [f"{verdict}{where}" for where, verdict in verdicts.items() if verdict != PASSED]
        if bad:
            file = study.root / layout.privacy(study.generator, replicate) / "metrics.json"
            hint = (
                "Read the reason in report/index.html (Privacy); release another set, or audit more patches"
            )
            found.append(PathgenError(file, f"the privacy verdict is: {', '.join(bad)}", hint))
    return found


def _verdict(study: ReleaseInputs, *, audit_passed: bool) -> list[PathgenError]:
    """Refuse what the verdict of any classifier holds against the set, but for what its own audit did."""
    file = study.root / layout.VERDICT
    if not study.verdicts:
        return [PathgenError(file, f"has no verdict on {study.generator}", "Run `dvc repro`")]
    found = []
    for verdict in study.verdicts:
        for obstacle in verdict.obstacles:
            if obstacle in _OF_AUDIT and not audit_passed:
                continue
            reason = f"{verdict.generator} with classifier {verdict.classifier}: {obstacle}"
            if obstacle == "training not converged":
                reason += f" ({', '.join(verdict.not_converged)})"
            found.append(PathgenError(file, reason, "Read the reasons with `pathgen verdict`"))
    return found


def _accuracy_limit(study: ReleaseInputs) -> list[PathgenError]:
    """Refuse a limit that a classifier without any sense of structure would keep."""
    limit, baseline = study.settings.limits.min_accuracy, study.results.baseline
    if limit is None or limit >= baseline:
        return []
    reason = (
        f"is {limit:g}, below the accuracy on the mean colour alone ({baseline:.4g}), so it means nothing"
    )
    return [PathgenError(f"{PARAMS_FILE}: release.limits.min_accuracy", reason, "Raise it above that")]


def _limits(study: ReleaseInputs) -> list[PathgenError]:
    return [
        PathgenError(
            f"{PARAMS_FILE}: release.limits.{check.setting}",
            f"the limit is {check.bound} {check.limit:g}, but the {check.words} "
            + ("was not measured" if check.value is None else f"is {check.value:.4g}"),
            "Improve the set or the audit, or change the limit and document why",
        )
        for check in checks(study)
        if not check.kept and check.limit is not None
    ]


def _copies(study: ReleaseInputs) -> list[PathgenError]:
    """Refuse patches that equal an original in every pixel, without a test of significance."""
    # Two patches of a single colour are not copies of each other.
    originals = {
        _digest(image)
        for role in ROLES
        for image in open_patch_set(study.root / layout.PATCHES / role).images
        if (image != image[0, 0]).any()
    }
    copies = [
        (label, row)
        for label, patches in study.sets.items()
        for row, image in enumerate(patches.images)
        if not originals.isdisjoint(
            _digest(np.rot90(side, turns)) for side in (image, image[:, ::-1]) for turns in range(4)
        )
    ]
    if not copies:
        return []
    label, row = copies[0]
    folder = study.root / layout.synthetic_set(study.generator, label)
    reason = (
        f"patch {row} equals an original patch, rotated or mirrored at most; {len(copies)} patches do in all"
    )
    return [PathgenError(folder, reason, "Release another generator's set")]


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()


def _page(study: ReleaseInputs) -> list[PathgenError]:
    page = study.root / layout.REPORT / "index.html"
    found = []
    if study.report.patient_pictures != "left_out":
        reason = f"is {study.report.patient_pictures}: {page.name} shows pictures of original slides"
        hint = "Set it to left_out and run `dvc repro report`"
        found.append(PathgenError(f"{PARAMS_FILE}: report.patient_pictures", reason, hint))
    stale = [name for name, changed in study.reported.changed.items() if changed]
    if stale:
        # dvc.yaml does not know these results.
        names = " and ".join(stale)
        hint = (
            f"Run the study again (make {stale[0]}), or remove its folder in results; then `dvc repro "
            "--force --single-item report`"
        )
        found.append(PathgenError(page, f"shows results of {names} that are out of date", hint))
    if study.settings.slide_names == "refuse":
        names_found = named_in(study.page, identities(study))
        if names_found:
            reason = f"names {len(names_found)} slides or patients, e.g. {names_found[0]}"
            hint = (
                "Rename the slides, or set release.slide_names to allow if the names are public or pseudonyms"
            )
            found.append(PathgenError(page, reason, hint))
    return found


def identities(study: ReleaseInputs) -> list[str]:
    """Return the names of slides and patients, as far as the source knows them."""
    slides = study.cohort.loc[study.cohort["slide_known"], "slide"]
    return sorted({str(name) for name in [*slides, *study.cohort["patient"].dropna()]})


def named_in(page: str, names: Sequence[str]) -> list[str]:
    """Return the names that occur in a page as whole words, outside the bytes of pictures."""
    text = html.unescape(_EMBEDDED.sub("", page))
    return [
        name
        for name in names
        if name in text and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None
    ]


def _statements(study: ReleaseInputs) -> list[PathgenError]:
    settings = study.settings
    found = [
        PathgenError(f"{PARAMS_FILE}: release.{name}", "is null, but the recipient needs it", "Set it")
        for name in _REQUIRED
        if getattr(settings, name) is None
    ]
    file = settings.licence_file
    if file is not None and not Path(study.root, file).is_file():
        found.append(
            PathgenError(f"{PARAMS_FILE}: release.licence_file", f"{file} is not a file", "Correct the path")
        )
    if file is None and (settings.licence or "").startswith("LicenseRef-"):
        reason = f"is {settings.licence}, a custom licence, but its text is missing"
        hint = "Name the file with its text in release.licence_file"
        found.append(PathgenError(f"{PARAMS_FILE}: release.licence", reason, hint))
    return found
