"""Two processes that train together do what one does with the whole batch, up to rounding."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import together
import torch
from killable import HELD_OUT, IMAGES, OPTIONS, RECIPES, trained
from numpy.typing import NDArray

from pathgen.core.errors import PathgenError
from pathgen.gan.batch_norm import over_group
from pathgen.gan.dataloader import ImageStream
from pathgen.gan.distributed import ALONE, Group, joined
from pathgen.gan.division import group_size, indivisible
from pathgen.gan.generators.stylegan2.discriminator import group_deviation
from pathgen.gan.loop import train_generator
from pathgen.training.checkpoint import load_tensors

# Of the norm of each tensor, after 13 steps; found: 4e-6.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("together")
    done = subprocess.run([sys.executable, together.__file__, place], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return place


def test_a_shared_batch_is_normalised_as_a_whole(folder: Path) -> None:
    expected = together.batch_norm(ALONE)
    for rank in range(2):
        found, _ = load_tensors(folder / f"batch-norm-{rank}.safetensors")
        assert found.keys() == expected.keys()
        for name, tensor in found.items():
            whole = expected[name]
            share = whole[rank::2] if name in ("out", "gradient", "judged") else whole
            torch.testing.assert_close(tensor, share, rtol=1e-4, atol=2e-5, msg=f"{rank} {name}")


@pytest.mark.parametrize("name", together.TRAININGS)
def test_two_processes_train_as_one(folder: Path, name: str) -> None:
    alone = trained(together.TRAININGS[name])
    for network in ("generator", "discriminator"):
        found, _ = load_tensors(folder / name / f"{network}.safetensors")
        expected = getattr(alone, network).state_dict()
        assert found.keys() == expected.keys()
        for key, tensor in found.items():
            scale = max(float(expected[key].double().norm()), 1e-3)
            assert float((tensor.double() - expected[key].double()).norm()) / scale < TOLERANCE, key
    history = pd.read_csv(folder / name / "history.csv")
    pd.testing.assert_frame_equal(history, alone.history, rtol=1e-3, atol=1e-5)
    if "gan/augment_chance" in history:
        assert history["gan/augment_chance"].max() > 0.3
        assert history["gan/path_length"].iloc[-1] > 0.0


def test_both_processes_refuse_what_they_do_not_agree_on(folder: Path) -> None:
    for rank in range(2):
        told = (folder / f"refused-{rank}").read_text()
        assert told.startswith("train: process 1 differs from process 0 in images. ")


def test_shares_are_disjoint_and_complete_and_keep_groups_together() -> None:
    batch = torch.arange(24)
    shares = [Group(rank, 3).own(batch) for rank in range(3)]
    assert sorted(torch.cat(shares).tolist()) == batch.tolist()
    turned = Group(1, 2).own(torch.arange(8).reshape(2, 4), axis=1)
    assert turned.tolist() == [[1, 3], [5, 7]]
    images = torch.randn(24, 2, 4, 4)
    whole = group_deviation(images, 4)
    for rank in range(3):
        own = Group(rank, 3).own
        torch.testing.assert_close(group_deviation(own(images), 4), own(whole))


def test_streams_of_all_processes_are_one_stream() -> None:
    def batch(group: Group) -> torch.Tensor:
        cpu = torch.device("cpu")
        return ImageStream(IMAGES, batch_size=8, augment="d4", seed=1, device=cpu, group=group).batch(5)

    whole = batch(ALONE)
    for rank in range(2):
        assert torch.equal(batch(Group(rank, 2)), whole[rank::2])


@pytest.mark.parametrize(
    ("batch", "processes", "more", "reason"),
    [
        (8, 3, {}, "8 images cannot be shared by 3 processes"),
        (8, 4, {"minibatch_group": 4}, r"2 groups of 4 images \(minibatch_group\) cannot be shared by 4"),
        (8, 8, {"path": True}, "4 images for a path length cannot be shared by 8"),
    ],
)
def test_a_batch_that_cannot_be_shared_is_refused(
    batch: int, processes: int, more: dict[str, int], reason: str
) -> None:
    found = indivisible(batch, processes, **more)  # type: ignore[arg-type]
    assert found is not None
    assert re.match(reason, found)
    assert indivisible(16, 2, minibatch_group=4, path=True) is None
    assert group_size(9, 4) == 3


def test_a_batch_norm_that_cannot_look_at_all_images_is_refused() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    over_group(network, ALONE)
    with pytest.raises(PathgenError, match=r"layer 1 of Sequential: BatchNorm1d cannot be shared by 2"):
        over_group(network, Group(0, 2))


def test_training_refuses_it_before_it_begins() -> None:
    with pytest.raises(PathgenError, match=r"batch_size: 2 groups of 4 images .* 4 processes"):
        train_generator(
            IMAGES,
            architecture="stylegan2",
            options=OPTIONS["stylegan2"],
            recipe=replace(RECIPES["stylegan2"], kimg=0.01),  # type: ignore[type-var]
            device=torch.device("cpu"),
            precision="fp32",
            channels_last=True,
            snapshot_every_kimg=1.0,
            group=Group(0, 4),
        )


def test_what_torchrun_started_must_be_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    with joined(4, cpu) as group:
        assert group == ALONE
    started = {"TORCHELASTIC_RUN_ID": "1", "RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}
    for name, value in started.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(PathgenError, match=r"compute\.processes: is 4, but torchrun started 2"):
        with joined(4, cpu):
            pass


def test_a_snapshot_of_another_training_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    training = together.Training("dcgan", 0.08, 0.04)
    trained(training, tmp_path)
    refusals = {
        "processes was 1, is 2": {"group": Group(0, 2)},
        "recipe.augment was 'd4', is 'none'": {"recipe": {"augment": "none"}},
        "recipe.kimg was 0.08, is 0.16": {"recipe": {"kimg": 0.16}},
        "images_sha256 was ": {"images": IMAGES[::-1]},
    }
    for told, change in refusals.items():
        with pytest.raises(PathgenError, match=re.escape(told)):
            again(tmp_path, **change)  # type: ignore[arg-type]


def again(
    work: Path,
    images: NDArray[np.uint8] = IMAGES,
    recipe: dict[str, object] | None = None,
    group: Group = ALONE,
) -> None:
    train_generator(
        images,
        architecture="dcgan",
        options=OPTIONS["dcgan"],
        recipe=replace(RECIPES["dcgan"], **{"kimg": 0.08, **(recipe or {})}),  # type: ignore[type-var]
        device=torch.device("cpu"),
        precision="fp32",
        channels_last=True,
        snapshot_every_kimg=0.04,
        held_out=HELD_OUT,
        resume_folder=work,
        group=group,
    )
