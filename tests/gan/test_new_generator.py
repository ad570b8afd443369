"""The walk-through "Add a generator" of CONTRIBUTING.md, executed."""

import json
import re
from pathlib import Path

from factories.walkthrough import ROOT, apply_chapter, run_script
from ruamel.yaml import YAML

from pathgen.gan.settings import TrainGanSettings

SCRIPT = """
import json, sys
import numpy as np, torch
from pathlib import Path
from pathgen.gan import generators, loop
from pathgen.gan.gan_checkpoint import save_gan
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.interface import FP32
from pathgen.gan.loaded_generator import load_generator
from pathgen.gan.settings import TrainGanSettings
from pathgen.provenance.code_hash import write_manifests
from pathgen.core.layout import CODE

recipe = json.loads({recipe!r})
recipes = {{"mlpgan": recipe | {{"kimg": 0.32}}}}
section = dict(seed=1, augment="d4", snapshot_every_kimg=1.0, generators=recipes)
settings = TrainGanSettings(**section).recipe("mlpgan")
images = np.random.default_rng(1).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
trained = loop.train_generator(
    GanDataset(images, images[:0]), settings, device=torch.device("cpu"), precision=FP32,
    snapshot_every_kimg=1.0,
)
save_gan(Path("model"), trained, "tumor")
samples = load_generator("model").sample(5, seed=1)
write_manifests({{"generators": {{"dcgan": "dcgan", "mlpgan": "mlpgan"}}}}, Path("."))
holding = [str(file.relative_to(CODE)) for file in CODE.rglob("*.json")
           if "pathgen/gan/generators/mlpgan.py" in file.read_text()]
print(json.dumps([generators.names(), list(samples.shape), holding]))
"""


def test_new_generator_trains_samples_and_touches_no_other(tmp_path: Path) -> None:
    apply_chapter("Add a generator", tmp_path)
    chapter = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Add a generator\n")[1]
    (block,) = re.findall(r"```yaml\n(.*?)```", chapter.split("\n## ")[0], re.S)
    recipe = YAML(typ="safe").load(block)["train_gan"]["generators"]["mlpgan"]
    names, shape, holding = json.loads(run_script(SCRIPT.format(recipe=json.dumps(recipe)), tmp_path))
    assert names == ["dcgan", "dpdcgan", "mlpgan", "stylegan2"]
    assert shape == [5, 16, 16, 3]
    assert holding == ["generators/mlpgan.json"]


def test_recipes_of_the_manual_are_valid() -> None:
    page = (ROOT / "docs" / "generators.md").read_text(encoding="utf-8").split("## Recipes")[1]
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    recipes = YAML(typ="safe").load(block)
    section = TrainGanSettings(seed=1, augment="d4", snapshot_every_kimg=1.0, generators=recipes)
    assert [section.recipe(name).network for name in recipes] == ["stylegan2", "dpdcgan", "dcgan"]
