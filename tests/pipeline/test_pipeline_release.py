"""A release of the real pipeline's results, by the commands of docs/release.md."""

import json
import re

import pytest
from factories.tiny_study import CHECKOUT

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


def refused(done):
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]


def test_a_finished_study_is_released_and_results_of_another_are_not(copy):
    page = (CHECKOUT / "docs" / "release.md").read_text()
    (command,) = re.findall(r"^ *pathgen release (\S+ \S+) ", page, re.M)
    generator, out = command.split()
    stale = refused(copy.run("pathgen", "release", generator, out, succeeds=False))
    assert [line for line in stale if "report.patient_pictures: is shown" in line]
    assert not [line for line in stale if "out of date" in line]

    copy.set_params({"report.patient_pictures": "left_out"})
    (first, *_) = refused(copy.run("pathgen", "release", generator, out, succeeds=False))
    assert "out of date: check_params, report" in first

    copy.repro()
    done = copy.run("pathgen", "release", generator, out, succeeds=None)
    # What so small a study comes to is chance: nothing else may speak against it.
    against = refused(done)
    allowed = (
        "the privacy verdict is",
        "release.limits",
        "results/verdict.json: dcgan with classifier cnn6: ",
    )
    assert all(any(part in line for part in allowed) for line in against), against
    folder = copy.root / out
    assert folder.exists() == (not against) == (done.returncode == 0)
    if folder.exists():
        check = ["sha256sum", "--check", "--quiet", "SHA256SUMS"]
        copy.run("bash", "-c", f"cd {folder} && {' '.join(check)}")

    file = copy.root / "results/privacy/dcgan/1/metrics.json"
    embellished = json.loads(file.read_text().replace("leakage found", "no leakage found by these tests"))
    file.unlink()
    file.write_text(json.dumps(embellished))
    (first, *_) = refused(copy.run("pathgen", "release", generator, f"{out}-2", succeeds=False))
    assert "out of date: privacy@dcgan" in first
