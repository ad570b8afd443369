"""Give two generators the same minutes on the same patches, side by side; draw from both and compare.

In a study whose patches are extracted. Each trains in a process of its own, one thread each, at the same
time, so that neither has an idler machine; how many images that is, a short trial tells beforehand.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from pathgen.core.params import load_section
from pathgen.gan import generators
from pathgen.gan.dataset import GanDataset
from pathgen.gan.generators.base import Precision
from pathgen.gan.settings import TrainGanSettings
from pathgen.gan.synthesis import synthesise
from pathgen.metrics.features.texture_v1 import texture_v1
from pathgen.metrics.fidelity.frechet import frechet_distance
from pathgen.patches.image_grid import patch_grid
from pathgen.patches.store import open_patch_set
from scripts.grids import titled

PATCHES = Path("data/patches")
TRIAL_STEPS = 40


def originals(label: str) -> tuple[np.ndarray, np.ndarray]:
    """Return training patches, and held-out ones of other slides, uint8 (N, H, W, 3)."""
    sets = {
        role: open_patch_set(PATCHES / role).of_label(label).images for role in ("train", "valid", "test")
    }
    return sets["train"], np.concatenate([sets["valid"], sets["test"]])


def train(name: str, label: str, minutes: float, out: Path) -> None:
    """Train one generator for so long; keep what it draws and how it went."""
    from pathgen.gan.loop import train_generator  # noqa: PLC0415 - only in the processes that train

    torch.set_num_threads(1)
    recipe = load_section("train_gan", TrainGanSettings).recipe(name)
    images, held_out = originals(label)

    def trained_for(kimg: float):
        start = time.perf_counter()
        trained = train_generator(
            GanDataset(images, held_out), recipe.model_copy(update={"kimg": kimg}),
            device=torch.device("cpu"), precision=Precision("fp32", channels_last=True),
            snapshot_every_kimg=1e9,
        )  # fmt: skip
        return trained, time.perf_counter() - start

    trial = TRIAL_STEPS * recipe.batch_size / 1000
    _, seconds = trained_for(trial)
    trained, seconds = trained_for(trial * minutes * 60 / seconds)
    spec = generators.load(recipe.network)
    drawn = synthesise(
        trained.generator,
        seed=1,
        count=len(held_out),
        batch_size=64,
        device=torch.device("cpu"),
        sampler=spec.sampler(spec.sampling()),
    )
    np.save(out / f"{name}.npy", np.concatenate(list(drawn)))
    told = {"kimg": float(trained.history["kimg"].iloc[-1]), "minutes": seconds / 60}
    (out / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")


def main() -> None:
    """Train both, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for what was drawn, and for grids.png")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--label", default="tumor")
    parser.add_argument("--generators", nargs="+", default=["dcgan", "stylegan2"])
    parser.add_argument("--only", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    if wanted.only:
        train(wanted.only, wanted.label, wanted.minutes, wanted.out)
        return
    command = [sys.executable, "-m", "scripts.compare_generators", *sys.argv[1:]]
    running = [subprocess.Popen([*command, "--only", name]) for name in wanted.generators]
    if any([process.wait() for process in running]):
        raise SystemExit("a training failed")
    images, held_out = originals(wanted.label)
    known = texture_v1(held_out)
    print(f"floor: {frechet_distance(texture_v1(images[: len(held_out)]), known):.1f} (training patches)")
    sheets = [titled(patch_grid(images[:64], 8, scale=2), "original")]
    for name in wanted.generators:
        drawn = np.load(wanted.out / f"{name}.npy")
        told = json.loads((wanted.out / f"{name}.json").read_text(encoding="utf-8"))
        distance = frechet_distance(texture_v1(drawn), known)
        print(f"{name}: {told['kimg']:.1f} kimg in {told['minutes']:.1f} minutes, distance {distance:.1f}")
        sheets.append(titled(patch_grid(drawn[:64], 8, scale=2), name))
    picture = Image.new("RGB", (sum(sheet.width for sheet in sheets), sheets[0].height), "white")
    for number, sheet in enumerate(sheets):
        picture.paste(sheet, (number * sheets[0].width, 0))
    picture.save(wanted.out / "grids.png")


if __name__ == "__main__":
    main()
