"""Patches that the discriminator chose: drawn, marked and audited as such."""

import json

import numpy as np
import pytest

from pathgen import load_generator
from pathgen.core.labels import LABELS
from pathgen.patches.store import open_patch_set

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


def test_what_the_discriminator_chose_is_what_is_audited(finished, copy):
    unmarked = json.loads((finished.study.root / "results/privacy/dcgan/metrics.json").read_text())
    assert "selected_by" not in unmarked
    copy.set_params({"synthesise.best_of": 3})
    copy.repro("privacy")
    marked = json.loads((copy.root / "results/privacy/dcgan/metrics.json").read_text())
    assert marked["selected_by"] == dict.fromkeys(LABELS, "discriminator, best of 3")
    assert marked["metrics"] != unmarked["metrics"]
    audited = {dep["path"]: dep["md5"] for dep in copy.locked()["privacy@dcgan"]["deps"]}
    (written,) = copy.locked()["synthesise@dcgan"]["outs"]
    assert audited["data/synthetic/dcgan"] == written["md5"]
    for label in LABELS:
        name = f"dcgan/{label}"
        patches = open_patch_set(copy.root / "data/synthetic" / name)
        assert set(patches.index["selected_by"]) == {"discriminator, best of 3"}
        generator = load_generator(copy.root / "models/gan" / name)
        assert np.array_equal(patches.images, generator.sample(len(patches), seed=7, best_of=3))
        kept = open_patch_set(finished.study.root / "data/synthetic" / name)
        assert not np.array_equal(patches.images, kept.images)
