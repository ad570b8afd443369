"""Drawing from any program: in three lines, the patches of the pipeline; what is wrong is named."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from factories.gan import CPU, save_untrained

import pathgen
from pathgen.core.errors import PathgenError
from pathgen.gan.conditioning import ClassCondition
from pathgen.gan.generators.interface import Precision
from pathgen.gan.loaded_generator import SamplePlan, load_generator
from pathgen.gan.synthesis import synthesise


@pytest.fixture(scope="module")
def dcgan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_untrained(tmp_path_factory.mktemp("gan") / "dcgan", "dcgan")


@pytest.fixture(scope="module")
def stylegan2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_untrained(tmp_path_factory.mktemp("gan") / "stylegan2", "stylegan2")


def test_load_generator_samples_what_synthesis_writes(dcgan: Path) -> None:
    generator = pathgen.load_generator(str(dcgan))
    patches = generator.sample(70, seed=1)
    assert patches.dtype == np.uint8
    assert patches.shape == (70, 16, 16, 3)
    drawn = synthesise(generator.network, seed=1, count=70, device=CPU)
    assert np.array_equal(patches, np.concatenate(list(drawn)))
    assert np.array_equal(generator.sample(16, seed=1), patches[:16])


def test_docs_python_examples_run(dcgan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"```python\n(.*?)```", page, re.S)
    (tmp_path / "models" / "gan" / "dcgan" / "1").mkdir(parents=True)
    (tmp_path / "models" / "gan" / "dcgan" / "1" / "tumor").symlink_to(dcgan)
    monkeypatch.chdir(tmp_path)
    said: dict[str, np.ndarray] = {}
    exec(lines, said)
    assert np.array_equal(said["patches"], load_generator(dcgan).sample(16, seed=1))


def test_public_api_imports_lazily() -> None:
    code = (
        "import sys, pathgen\n"
        "assert 'load_generator' in dir(pathgen) and pathgen.__version__\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)\n"
        "assert not hasattr(pathgen, 'load_discriminator')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sampling_settings_change_the_patches(stylegan2: Path) -> None:
    generator = load_generator(stylegan2)
    plain = generator.sample(64, seed=1)
    assert np.array_equal(plain, generator.sample(64, seed=1, truncation_psi=1.0, noise="random"))
    mean = generator.sample(64, seed=1, truncation_psi=0.0, noise="fixed")
    assert len(np.unique(plain, axis=0)) == 64
    assert len(np.unique(mean, axis=0)) == 1


def test_sampling_bf16_is_close_to_fp32(dcgan: Path, stylegan2: Path) -> None:
    for model in (dcgan, stylegan2):
        generator = load_generator(model)
        exact = generator.sample(64, seed=1).astype(int)
        for channels_last in (False, True):
            plan = SamplePlan(seed=1, precision=Precision("bf16", channels_last))
            rounded = next(load_generator(model).blocks(plan, 64))
            assert 0 < np.abs(rounded - exact).mean() < 2, (model.name, channels_last)


class Brightness(torch.nn.Module):
    """A discriminator that takes light patches for originals."""

    def forward(self, images: torch.Tensor, c: ClassCondition | None = None) -> torch.Tensor:
        return images.mean((1, 2, 3))


def test_best_of_takes_the_best_of_each_patchs_candidates(dcgan: Path) -> None:
    network = load_generator(dcgan).network

    def best_of(candidates: int, count: int = 150) -> np.ndarray:
        drawn = synthesise(
            network, seed=1, count=count, device=CPU, discriminator=Brightness(), best_of=candidates
        )
        return np.concatenate(list(drawn))

    light = {candidates: best_of(candidates).mean((1, 2, 3)) for candidates in (1, 2, 3)}
    assert np.all(light[1] <= light[2])
    assert np.all(light[2] <= light[3])
    # One in three of equal candidates is the best.
    assert 0.15 < (light[3] == light[1]).mean() < 0.55
    assert 0.15 < ((light[3] == light[2]) & (light[2] > light[1])).mean() < 0.55
    assert np.array_equal(best_of(3, 70), best_of(3)[:70])


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ("sampling.noise: is 'loud'", {"noise": "loud"}),
        ("sampling.depth: is 3", {"depth": 3}),
        ("best_of: is 0", {"best_of": 0}),
        ("count: is 0", {"count": 0}),
    ],
)
def test_sampling_invalid_settings_are_named(stylegan2: Path, said: str, settings: dict[str, object]) -> None:
    with pytest.raises(PathgenError, match=said):
        load_generator(stylegan2).sample(**{"count": 1, "seed": 1} | settings)


def test_load_generator_folder_without_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(PathgenError, match=str(tmp_path / "model.json")):
        load_generator(tmp_path)
