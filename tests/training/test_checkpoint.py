"""Model files and snapshots: equal bytes, exact return, one-line refusals."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import torch_generator
from pathgen.training.checkpoint import (
    load_module,
    load_snapshot,
    load_tensors,
    save_snapshot,
    save_tensors,
)

KEY = {"settings": {"lr": 2e-4, "seed": 1}, "data": "abc"}


def small_network(seed: int) -> torch.nn.Sequential:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 2, 3))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, generator=torch_generator(seed, "weights"))
    return network.to(memory_format=torch.channels_last)


def train(network: torch.nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        images = torch.randn(2, 3, 8, 8, generator=torch_generator(7, step))
        optimizer.zero_grad()
        network(images).square().mean().backward()
        optimizer.step()


def adam(network: torch.nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=0.01, fused=True)


def test_save_tensors_of_equal_tensors_gives_equal_bytes(tmp_path: Path) -> None:
    weight = torch.randn(4, 3, 2, 2, generator=torch_generator(1))
    bias = torch.arange(3)
    save_tensors(tmp_path / "a.safetensors", {"weight": weight, "bias": bias})
    layout = weight.to(memory_format=torch.channels_last)
    save_tensors(tmp_path / "other.safetensors", {"bias": bias, "weight": layout})
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "other.safetensors").read_bytes()
    tensors = load_tensors(tmp_path / "a.safetensors")
    assert torch.equal(tensors["weight"], weight)
    assert torch.equal(tensors["bias"], bias)


def test_save_tensors_that_share_memory_stores_both(tmp_path: Path) -> None:
    row = torch.arange(6.0)
    save_tensors(tmp_path / "a.safetensors", {"all": row, "part": row[2:4]})
    assert load_tensors(tmp_path / "a.safetensors")["part"].tolist() == [2.0, 3.0]


def test_load_snapshot_resumes_a_training_exactly(tmp_path: Path) -> None:
    straight = small_network(1)
    optimizer = adam(straight)
    train(straight, optimizer, range(3))
    state = {
        "network": straight.state_dict(),
        "adam": optimizer.state_dict(),
        "noise": torch_generator(3).get_state(),
        "at": (1, None, "x", [0.1]),
    }
    save_snapshot(tmp_path, state, KEY)
    train(straight, optimizer, range(3, 6))

    snapshot = load_snapshot(tmp_path, KEY)
    assert snapshot["at"] == state["at"]
    assert torch.equal(snapshot["noise"], torch_generator(3).get_state())
    resumed = small_network(2)
    resumed.load_state_dict(snapshot["network"])
    optimizer = adam(resumed)
    optimizer.load_state_dict(snapshot["adam"])
    train(resumed, optimizer, range(3, 6))
    for name, tensor in straight.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_load_snapshot_without_a_snapshot_is_none(tmp_path: Path) -> None:
    assert load_snapshot(tmp_path, KEY) is None
    (tmp_path / ".snapshot.pt.partial").write_bytes(b"half")
    assert load_snapshot(tmp_path, KEY) is None
    save_snapshot(tmp_path, {"a": torch.zeros(1)}, KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot.pt"]


def test_load_snapshot_with_another_key_names_the_difference(tmp_path: Path) -> None:
    save_snapshot(tmp_path, {"a": torch.zeros(1)}, KEY)
    other = {"settings": {"lr": 1e-4, "seed": 1}, "data": "xyz"}
    with pytest.raises(
        PathgenError, match=r"data was 'abc', is 'xyz'; settings\.lr was 0\.0002, is 0\.0001"
    ) as caught:
        load_snapshot(tmp_path, other)
    assert "snapshot.pt" in str(caught.value)
    assert "Delete" in str(caught.value)


@pytest.mark.parametrize("kept", [0, 4, 40, -1])
def test_load_snapshot_truncated_raises(tmp_path: Path, kept: int) -> None:
    save_snapshot(tmp_path, {"a": torch.zeros(100)}, KEY)
    path = tmp_path / "snapshot.pt"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(PathgenError, match="damaged") as caught:
        load_snapshot(tmp_path, KEY)
    assert "\n" not in str(caught.value)


def test_load_tensors_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(PathgenError, match="No such file"):
        load_tensors(tmp_path / "none.safetensors")


def test_load_module_of_another_architecture_raises(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    network = small_network(1)
    save_tensors(path, network.state_dict())
    other = small_network(2)
    load_module(other, path)
    assert torch.equal(other[0].weight, network[0].weight)
    shorter = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.Conv2d(4, 2, 3))
    with pytest.raises(PathgenError, match=r"1 tensors, the first is 0\.weight"):
        load_module(shorter, path)
    with pytest.raises(PathgenError, match=r"2 tensors, the first is 1\.bias"):
        load_module(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)), path)


def test_save_snapshot_with_a_foreign_object_raises(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="float64"):
        save_snapshot(tmp_path, {"a": [np.float64(1)]}, KEY)
