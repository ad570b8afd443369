"""What a training and a draw leave on disk, and what is made of it later."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from factories.gan import CPU, dataset, recipe, synthesise_settings, train

from pathgen.gan.export import save_training, selected_by, write_synthetic_set
from pathgen.gan.gan_checkpoint import TrainedGan, load_discriminator, load_meta
from pathgen.gan.generators.interface import FP32
from pathgen.gan.loaded_generator import load_generator
from pathgen.gan.synthesis import discriminator_scores
from pathgen.patches.store import PatchSet, open_patch_set


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (24, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def trained(images: np.ndarray) -> TrainedGan:
    settings = recipe(
        "dcgan", width=4, latent_dim=6, kimg=0.08, real_target=1.0, ema_decay=0.0, augment="none"
    )
    return train(settings, dataset(images), precision=FP32)


@pytest.fixture(scope="module")
def folders(trained: TrainedGan, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("gan")
    save_training(trained, {"tumor": root / "model"}, root / "results")
    return root / "model", root / "results"


def test_train_generator_writes_model_curves_and_images(
    trained: TrainedGan, folders: tuple[Path, Path]
) -> None:
    model, results = folders
    assert load_meta(model).model_dump()["label"] == "tumor"
    history = pd.read_csv(results / "history.csv")
    pd.testing.assert_frame_equal(history, trained.history, check_dtype=False)
    assert (results / "overfitting.csv").read_text().startswith("kimg,gan/known_accuracy,")
    pictures = sorted((results / "progress").iterdir())
    assert len(pictures) == len(trained.sample_grids) == 10
    assert pictures[-1].read_bytes() == (results / "samples.png").read_bytes()
    assert pictures[-1].name == "000000080_images.png"


def kept(model: Path, folder: Path, count: int, **settings: Any) -> PatchSet:
    write_synthetic_set(
        folder.parent / "store",
        model,
        folder,
        generator="dcgan",
        label="tumor",
        settings=synthesise_settings(**{"seed": 5, "per_class": count} | settings),
        device=CPU,
    )
    return open_patch_set(folder)


def test_synthetic_set_has_a_row_per_patch(folders: tuple[Path, Path], tmp_path: Path) -> None:
    patches = kept(folders[0], tmp_path / "set", 100, batch_size=7)
    assert np.array_equal(patches.images, load_generator(folders[0]).sample(100, seed=5))
    assert list(patches.index["item"]) == list(range(100))
    rest = patches.index[["label", "generator", "seed"]].drop_duplicates()
    assert rest.to_numpy().tolist() == [["tumor", "dcgan", 5]]
    assert selected_by(patches.index) is None


def test_synthesis_best_of_is_recorded(folders: tuple[Path, Path], tmp_path: Path) -> None:
    chosen = kept(folders[0], tmp_path / "chosen", 40, best_of=3)
    assert selected_by(chosen.index) == "discriminator, best of 3"
    alone = load_generator(folders[0]).sample(40, seed=5, best_of=3)
    assert np.array_equal(chosen.images, alone)
    assert not np.array_equal(alone, load_generator(folders[0]).sample(40, seed=5))


def test_discriminator_scores_equal_a_loop(folders: tuple[Path, Path], images: np.ndarray) -> None:
    discriminator = load_discriminator(folders[0])
    scores = discriminator_scores(discriminator, images, CPU)
    assert scores.dtype == np.float64
    for number in (0, 5, 23):
        pixels = torch.from_numpy(images[number].transpose(2, 0, 1).copy()).float()[None] / 127.5 - 1.0
        with torch.inference_mode():
            alone = float(discriminator(pixels)[0])
        assert scores[number] == pytest.approx(alone, abs=1e-5)
