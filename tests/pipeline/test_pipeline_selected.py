"""Patches that the discriminator selected are marked and audited as such."""

import json

import numpy as np
import pytest

from pathgen import load_generator
from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.patches.store import open_patch_set

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


def test_selected_patches_are_marked_and_audited(finished, copy):
    audit = layout.privacy("dcgan") / "metrics.json"
    unmarked = json.loads((finished.study.root / audit).read_text())
    assert "selected_by" not in unmarked
    copy.set_params({"synthesise.best_of": 3})
    copy.repro("privacy@dcgan")
    marked = json.loads((copy.root / audit).read_text())
    assert marked["selected_by"] == dict.fromkeys(LABELS, "discriminator, best of 3")
    assert marked["metrics"] != unmarked["metrics"]
    audited = {dep["path"]: dep["md5"] for dep in copy.locked()["privacy@dcgan"]["deps"]}
    (written,) = copy.locked()["synthesise@dcgan"]["outs"]
    assert audited[written["path"]] == written["md5"]
    for label in LABELS:
        patches = open_patch_set(copy.root / layout.synthetic_set("dcgan", label))
        assert set(patches.index["selected_by"]) == {"discriminator, best of 3"}
        generator = load_generator(copy.root / layout.gan_model("dcgan", label))
        assert np.array_equal(patches.images, generator.sample(len(patches), seed=7, best_of=3))
        before = open_patch_set(finished.study.root / layout.synthetic_set("dcgan", label))
        assert not np.array_equal(patches.images, before.images)
