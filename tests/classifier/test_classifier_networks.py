"""Discovery, initialisation and pretrained weights of the networks."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from factories.toy_classifier import toy_patches, train_toy
from factories.walkthrough import apply_chapter, run_script

from pathgen.classifier import network_discovery
from pathgen.classifier.classifier_checkpoint import load_classifier, save_classifier
from pathgen.classifier.prediction import predict
from pathgen.classifier.registry import build_classifier, fill_from_file
from pathgen.core.errors import PathgenError

CPU = torch.device("cpu")
WEIGHTS = {"cnn6": 5_669_794, "googlenet": 5_594_274, "resnet18": 11_169_858}


def test_network_names_are_the_files() -> None:
    assert network_discovery.network_names() == sorted(WEIGHTS)
    with pytest.raises(PathgenError, match="network vgg: no such network"):
        network_discovery.load_network("vgg")


@pytest.mark.parametrize("name", WEIGHTS)
def test_network_returns_log_probabilities_or_refuses_size(name: str) -> None:
    model = build_classifier(name, 64, seed=1)
    assert sum(weight.numel() for weight in model.parameters()) == WEIGHTS[name]
    if name != "cnn6":
        sides: list[torch.Size] = []
        model.avgpool.register_forward_hook(lambda _, given, __: sides.append(given[0].shape[2:]))
        model.eval()(torch.zeros(1, 3, 64, 64))
        assert sides == [(8, 8)], "the stem keeps an eighth of the side"
    smallest = network_discovery.load_network(name).SMALLEST_IMAGE_PX
    for size_px in (smallest, 31, 32, 33):
        images = torch.rand(3, 3, size_px, size_px, generator=torch.Generator().manual_seed(1)) * 2 - 1
        logarithms = build_classifier(name, size_px, seed=1)(images)
        assert (logarithms.shape, logarithms.dtype) == ((3, 2), torch.float32)
        torch.testing.assert_close(logarithms.exp().sum(1), torch.ones(3))
    with pytest.raises(PathgenError, match=f"patches of {smallest - 1} px are too small"):
        build_classifier(name, smallest - 1, seed=1)


def test_dropout_is_seeded_and_off_in_the_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    trained, patches = [], (toy_patches(16, 1), toy_patches(2, 2))
    for number in (3, 4):
        torch.manual_seed(number)
        trained.append(train_toy(patches=patches, network="googlenet", max_epochs=1))
        if number == 3:
            assert torch.equal(torch.rand(1), expected), "the global generator was moved"
    first, second = (one.model.state_dict() for one in trained)
    assert all(torch.equal(first[name], second[name]) for name in first)
    save_classifier(tmp_path / "model", trained[0], {})
    images = toy_patches(5, 5).images
    loaded = load_classifier(tmp_path / "model")
    assert np.array_equal(predict(loaded, images, CPU), predict(trained[0].model, images, CPU))


def written(path: Path, tensors: dict[str, torch.Tensor]) -> str:
    safetensors.torch.save_file(tensors, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_fill_from_file_loads_all_but_the_head(tmp_path: Path) -> None:
    given = build_classifier("resnet18", 32, seed=2).state_dict()
    given["conv1.weight"] = torch.zeros(64, 3, 7, 7)  # the stem for large images
    given["aux.weight"] = torch.zeros(3)
    del given["bn1.num_batches_tracked"]  # as in torchvision's own file
    digest = written(tmp_path / "w.safetensors", given)
    model = build_classifier("resnet18", 32, seed=1)
    fresh = fill_from_file(model, "resnet18", tmp_path / "w.safetensors", digest)
    assert fresh == ["conv1.weight", "fc.weight", "fc.bias"]
    own, untouched = model.state_dict(), build_classifier("resnet18", 32, seed=1).state_dict()
    expected = untouched | {name: value for name, value in given.items() if name not in fresh}
    assert all(torch.equal(own[name], expected[name]) for name in own)


def test_fill_from_file_with_unsuitable_file_raises(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    given = build_classifier("cnn6", 16, seed=2).state_dict()
    given["features.5.weight"] = torch.zeros(64, 32, 5, 5)
    del given["head.0.bias"]
    model = build_classifier("cnn6", 16, seed=1)
    digest = written(file, given)
    with pytest.raises(PathgenError, match=r"cnn6 in 2 tensors, the first is features\.5\.weight"):
        fill_from_file(model, "cnn6", file, digest)
    with pytest.raises(PathgenError, match=f"its SHA-256 is {digest}, not 00"):
        fill_from_file(model, "cnn6", file, "00")
    with pytest.raises(PathgenError, match="never downloaded"):
        fill_from_file(model, "cnn6", tmp_path / "none.safetensors", digest)
    file.write_bytes(b"no tensors")
    with pytest.raises(PathgenError, match="damaged safetensors"):
        fill_from_file(model, "cnn6", file, hashlib.sha256(b"no tensors").hexdigest())


def test_training_from_pretrained_weights_lists_the_fresh_ones(tmp_path: Path) -> None:
    digest = written(tmp_path / "w.safetensors", build_classifier("cnn6", 16, seed=2).state_dict())
    still = {"max_epochs": 1, "learning_rate": 1e-30, "weight_decay": 0.0}
    trained = train_toy(weights_file=str(tmp_path / "w.safetensors"), weights_sha256=digest, **still)
    assert trained.fresh == ["head.4.weight", "head.4.bias"]
    expected = build_classifier("cnn6", 16, seed=2).state_dict()["head.0.weight"]
    assert torch.equal(trained.model.state_dict()["head.0.weight"], expected)
    save_classifier(tmp_path / "model", trained, {})
    assert "not_pretrained" in (tmp_path / "model" / "model.json").read_text()


WALK_THROUGH = """
import sys
from pathlib import Path
sys.path.append("TESTS")
import torch
from factories.toy_classifier import toy_patches, train_toy
from pathgen.classifier.classifier_checkpoint import load_classifier, save_classifier
from pathgen.classifier.network_discovery import network_names
from pathgen.classifier.prediction import predict

trained = train_toy(network="linear", learning_rate=0.001, max_epochs=6, patience=6, augment="d4")
save_classifier(Path("model"), trained, {"seed": 1})
patches = toy_patches(60, 3)
scores = predict(load_classifier(Path("model")), patches.images, torch.device("cpu"))
assert "linear" in network_names()
print(float(((scores >= 0.5) == patches.classes).mean()))
"""


def test_new_network_of_contributing_trains_and_loads(tmp_path: Path) -> None:
    apply_chapter("Add a classifier", tmp_path)
    tests = str(Path(__file__).resolve().parents[1])
    assert float(run_script(WALK_THROUGH.replace("TESTS", tests), tmp_path)) > 0.9
