"""The store of drawn patches: nothing is drawn twice, and nothing wrong is ever handed out."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pytest
import torch
from factories import killable_sampling
from factories.gan import SIDE, save_untrained
from factories.waiting import wait_until

from pathgen.core.errors import PathgenError
from pathgen.gan import sample_cache
from pathgen.gan.generators.interface import Precision
from pathgen.gan.loaded_generator import LoadedGenerator, SamplePlan, load_generator
from pathgen.gan.sample_cache import cached_samples
from pathgen.gan.synthesis import BLOCK
from pathgen.provenance.code_hash import code_manifest

ROW_BYTES = SIDE * SIDE * 3


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return save_untrained(tmp_path_factory.mktemp("gan") / "dcgan", "dcgan")


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the number of each block that is sampled from now on."""
    numbers: list[int] = []
    plain = LoadedGenerator.blocks

    def counted(self: LoadedGenerator, plan: SamplePlan, count: int, first: int = 0) -> Iterator[np.ndarray]:
        for number, block in enumerate(plain(self, plan, count, first), first // BLOCK):
            numbers.append(number)
            yield block

    monkeypatch.setattr(LoadedGenerator, "blocks", counted)
    return numbers


def draw(store: Path, model: Path, count: int, **plan: Any) -> np.ndarray:
    return cached_samples(store, load_generator(model), SamplePlan(**{"seed": 3} | plan), count)


def only_store(root: Path) -> Path:
    (folder,) = root.iterdir()
    return folder


def test_sample_cache_larger_set_samples_the_missing_rows_only(
    model: Path, tmp_path: Path, blocks: list[int]
) -> None:
    small = np.array(draw(tmp_path, model, 300))
    assert blocks == [0, 1, 2, 3, 4]
    large = draw(tmp_path, model, 1000)
    assert blocks == list(range(16))
    assert np.array_equal(large[:300], small)
    assert np.array_equal(draw(tmp_path, model, 500), large[:500])
    assert len(blocks) == 16
    assert np.array_equal(large, load_generator(model).sample(1000, seed=3))
    assert not large.flags.writeable


def test_sample_cache_memory_does_not_grow_with_the_patches(model: Path, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        draw(tmp_path / f"store{count}", model, count)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(64)  # What is imported and cached once.
    assert peak(4000) - peak(1000) < 3000 * ROW_BYTES / 4


@pytest.mark.parametrize(
    ("left", "sampled"), [(300, [4]), (BLOCK - 1, [0, 1, 2, 3, 4]), (0, [0, 1, 2, 3, 4])]
)
def test_sample_cache_part_of_a_block_is_sampled_again(
    model: Path, tmp_path: Path, blocks: list[int], left: int, sampled: list[int]
) -> None:
    whole = np.array(draw(tmp_path, model, 300))
    blocks.clear()
    os.truncate(only_store(tmp_path) / "rows.uint8", left * ROW_BYTES + 5)
    assert np.array_equal(draw(tmp_path, model, 300), whole)
    assert blocks == sampled


def test_sample_cache_key_holds_all_settings_of_sampling(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    other, style = save_untrained(tmp_path / "b", "dcgan", 2), save_untrained(tmp_path / "c", "stylegan2")
    drawn_with: list[dict[str, Any]] = [
        {},
        {"seed": 4},
        {"best_of": 2},
        {"precision": Precision("bf16")},
        {"model": other},
        {"model": style, "sampling": {"truncation_psi": 1.0}},
        {"model": style, "sampling": {"truncation_psi": 0.5}},
        {"model": style, "sampling": {"noise": "none"}},
    ]
    for number, settings in enumerate(drawn_with):
        draw(store, **{"model": model, "count": 5} | settings)
        assert len(list(store.iterdir())) == number + 1, settings
    draw(store, model, 5, precision=Precision("fp32", channels_last=True))
    assert len(list(store.iterdir())) == len(drawn_with), "channels_last counts with bf16 only"
    for function in ("get_num_threads", "__version__"):
        changed = "0" if function == "__version__" else lambda: 77
        with monkeypatch.context() as patched:
            patched.setattr(torch, function, changed)
            draw(store, model, 5)
    assert len(list(store.iterdir())) == len(drawn_with) + 2


@pytest.mark.parametrize("edited", ["pathgen/gan/synthesis.py", "pathgen/training/compute.py"])
def test_sample_cache_key_holds_the_code(
    edited: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    draw(store, model, 5)

    def hashes(*modules: str) -> dict[str, str]:
        return {name: "another" if name == edited else sha for name, sha in code_manifest(*modules).items()}

    monkeypatch.setattr(sample_cache, "code_manifest", hashes)
    draw(store, model, 5)
    assert len(list(store.iterdir())) == 2


def test_sample_cache_full_disk_is_one_error_and_loses_nothing(
    model: Path, tmp_path: Path, blocks: list[int]
) -> None:
    whole = np.array(draw(tmp_path, model, 100))
    rows, aside = only_store(tmp_path) / "rows.uint8", tmp_path.parent / f"{tmp_path.name}.aside"
    content = rows.read_bytes()
    rows.rename(aside)
    rows.symlink_to("/dev/full")
    with pytest.raises(PathgenError, match="disk is full") as full:
        draw(tmp_path, model, 300)
    assert len(str(full.value).splitlines()) == 1
    rows.unlink()
    aside.rename(rows)
    assert rows.read_bytes() == content
    blocks.clear()
    assert np.array_equal(draw(tmp_path, model, 300)[:100], whole)
    assert blocks == [2, 3, 4]


def test_sample_cache_second_process_waits(
    model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], blocks: list[int]
) -> None:
    draw(tmp_path, model, 5)
    got: list[np.ndarray] = []
    second = threading.Thread(target=lambda: got.append(draw(tmp_path, model, 100)))
    with filelock.FileLock(only_store(tmp_path) / "lock"):
        second.start()
        said, until = "", time.monotonic() + 60
        while "waiting for another process" not in said:
            assert second.is_alive() and time.monotonic() < until
            time.sleep(0.01)
            said += capfd.readouterr().err
        assert blocks == [0]
    second.join(60)
    assert len(got[0]) == 100
    assert blocks == [0, 1]


def test_sample_cache_killed_and_resumed_samples_nothing_twice(model: Path, tmp_path: Path) -> None:
    store, count = tmp_path / "store", 8_000
    command = [sys.executable, str(killable_sampling.__file__), str(store), str(model), str(count)]

    def content() -> bytes:
        files = list(store.glob("*/rows.uint8"))
        return files[0].read_bytes() if files else b""

    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None

        def start() -> int:
            assert parent.stdin is not None
            assert parent.stdout is not None
            print(file=parent.stdin, flush=True)
            return int(parent.stdout.readline())

        kept = b""
        for _ in range(4):
            child = start()
            wait_until(lambda: len(content()) >= len(kept) + 3 * BLOCK * ROW_BYTES)  # noqa: B023 - called at once
            time.sleep(random.random() * 0.02)
            os.kill(child, signal.SIGKILL)
            assert parent.stdout.readline() == f"{-signal.SIGKILL}\n", "it was over before it was killed"
            assert content().startswith(kept)
            kept = content()[: len(content()) // (BLOCK * ROW_BYTES) * BLOCK * ROW_BYTES]
        assert len(kept) < count * ROW_BYTES
        start()
        assert parent.stdout.readline() == "0\n"
        parent.stdin.close()
    torch.set_num_threads(1)
    assert np.array_equal(draw(store, model, count), load_generator(model).sample(count, seed=3))
    assert len(list(store.iterdir())) == 1
