"""Every reason against a release."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories.release import COUNT, changed, release_audit
from factories.study import report_on
from factories.verdicts import generator_verdict

from pathgen.core import layout
from pathgen.patches.store import open_patch_set, write_patch_set
from pathgen.release.gate import reasons_against
from pathgen.release.limits import checks
from pathgen.release.release_inputs import ReleaseInputs, read_inputs
from pathgen.results.audit_record import Audit


def against(study: ReleaseInputs) -> list[str]:
    return [str(reason) for reason in reasons_against(study)]


def test_reasons_of_a_good_study_are_none(finished: ReleaseInputs) -> None:
    assert against(finished) == []
    assert all(check.kept for check in checks(finished))


@pytest.mark.parametrize(
    ("audit", "named"),
    [
        (release_audit("refused"), ["metrics.json: the privacy verdict is: refused"]),
        (release_audit("leakage found"), ["metrics.json: the privacy verdict is: leakage found"]),
        (release_audit(auc=0.66), ["release.limits.max_membership_auc"]),
        (release_audit(near=0.06), ["release.limits.max_too_near"]),
        (release_audit(covered=COUNT - 1), ["release.limits.min_audited"]),
        ({"labels": {}}, ["metrics.json", "max_membership_auc", "min_audited"]),
        ({"metrics": {}}, ["max_too_near"]),
    ],
)
def test_reasons_name_what_is_wrong_with_the_audit(
    finished: ReleaseInputs, audit: Audit | dict[str, Any], named: list[str]
) -> None:
    reasons = against(changed(finished, audit=dict(audit)))
    assert len(reasons) == len(named)
    assert all(name in reason for name, reason in zip(named, reasons, strict=True))


def test_reasons_name_another_replicate_that_leaks(finished: ReleaseInputs) -> None:
    (reason,) = against(replace(finished, audits={1: finished.audit, 2: release_audit("leakage found")}))
    assert "privacy/dcgan/2/metrics.json: the privacy verdict is: leakage found" in reason


def test_limit_that_is_null_is_not_a_reason(finished: ReleaseInputs) -> None:
    limits = finished.settings.limits.model_copy(update={"max_too_near": None})
    near = dict(release_audit(near=0.9))
    assert against(changed(finished, audit=near, settings={"limits": limits})) == []


@pytest.mark.parametrize(
    ("section", "changes", "named"),
    [
        ("settings", {"slide_names": "refuse"}, "index.html: names 4 slides or patients, e.g. made_up_004"),
        ("settings", {"licence": None}, "release.licence: is null"),
        ("settings", {"licence": "LicenseRef-ours"}, "release.licence: is LicenseRef-ours"),
        ("settings", {"licence_file": "gone.txt"}, "release.licence_file: gone.txt"),
        ("report", {"patient_pictures": "shown"}, "report.patient_pictures"),
    ],
)
def test_reasons_name_the_setting(
    finished: ReleaseInputs, section: str, changes: dict[str, Any], named: str
) -> None:
    (reason,) = against(changed(finished, **{section: changes}))
    assert named in reason


def test_reasons_name_a_stale_study_on_the_page(copy: Path) -> None:
    file = copy / "results" / "scaling" / "summary.json"
    summary = json.loads(file.read_text())
    file.write_text(json.dumps(summary | {"made_from": {"samples.parquet": "sha256:another"}}))
    # The page is what is released, not the results next to it.
    assert against(read_inputs(copy, "dcgan")) == []
    report_on(copy, copy / "report", patient_pictures=False)
    (reason,) = against(read_inputs(copy, "dcgan"))
    assert "index.html: shows results of scaling" in reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"obstacles": ("not shown to be useful",)}, ["not shown to be useful"]),
        (
            {"obstacles": ("training not converged",), "not_converged": ("mixed-dcgan-cnn6-3",)},
            ["training not converged (mixed-dcgan-cnn6-3)"],
        ),
        ({"obstacles": ("leak detected", "generator not converged")}, ["leak detected", "generator not"]),
    ],
)
def test_reasons_name_the_obstacles_of_the_verdict(
    finished: ReleaseInputs, changes: dict[str, Any], words: list[str]
) -> None:
    other = generator_verdict(classifier="other", **changes)
    reasons = against(replace(finished, verdicts=[generator_verdict(), other]))
    assert len(reasons) == len(words)
    for reason, word in zip(reasons, words, strict=True):
        assert f"verdict.json: dcgan with classifier other: {word}" in reason


def test_leak_of_the_audit_is_one_reason(finished: ReleaseInputs) -> None:
    leaking = generator_verdict(obstacles=("leak detected",))
    audit = dict(release_audit("leakage found"))
    (reason,) = against(replace(changed(finished, audit=audit), verdicts=[leaking]))
    assert "the privacy verdict is: leakage found" in reason


def test_generator_without_a_verdict_is_refused(finished: ReleaseInputs) -> None:
    (reason,) = against(replace(finished, verdicts=[]))
    assert "verdict.json: has no verdict on dcgan" in reason


def test_limit_below_the_mean_colour_baseline_is_refused(finished: ReleaseInputs) -> None:
    study = replace(finished, results=replace(finished.results, baseline=0.61))
    (reason,) = against(study)
    assert "release.limits.min_accuracy: is 0.6, below the accuracy on the mean colour alone (0.61)" in reason
    limits = finished.settings.limits.model_copy(update={"min_accuracy": 0.61})
    assert against(changed(study, settings={"limits": limits})) == []


def test_reasons_name_a_poor_classifier(copy: Path) -> None:
    for seed in (1, 2, 3):
        file = copy / "results" / "evaluate" / f"synthetic-dcgan-cnn6-{seed}" / "metrics.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"accuracy": 0.5 + 0.04 * seed}))
    (reason,) = against(read_inputs(copy, "dcgan"))
    assert "release.limits.min_accuracy" in reason and "0.58" in reason


def test_reasons_name_a_copy_of_an_original(copy: Path) -> None:
    folder = copy / layout.synthetic_set("dcgan", "tumor")
    patches = open_patch_set(folder)
    images, index = np.array(patches.images), patches.index
    original = open_patch_set(copy / "data" / "patches" / "reference").images[7]
    images[5:8] = original, np.rot90(original), original[:, ::-1]
    write_patch_set(folder, index, images.shape[1], [images])
    (reason,) = against(read_inputs(copy, "dcgan"))
    assert str(folder) in reason and "patch 5" in reason and "3 patches" in reason
