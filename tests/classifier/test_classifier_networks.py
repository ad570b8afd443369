"""Networks are found by their files, start from their seed or a given file, and can be added in one file."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from classifier_toy import toy_patches, train_toy

import pathgen.classifier.networks
from pathgen.classifier import discovery
from pathgen.classifier.checkpoint import load_classifier, save_classifier
from pathgen.classifier.prediction import predict
from pathgen.classifier.registry import build_classifier, fill_from_file
from pathgen.core.errors import PathgenError

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")
WEIGHTS = {"cnn6": 5_669_794, "googlenet": 5_594_274, "resnet18": 11_169_858}


def test_every_network_is_found() -> None:
    assert discovery.network_names() == sorted(WEIGHTS)
    with pytest.raises(PathgenError, match="network vgg: no such network"):
        discovery.network_file("vgg")


@pytest.mark.parametrize("name", WEIGHTS)
def test_networks_give_log_probabilities_and_refuse_small_patches(name: str) -> None:
    model = build_classifier(name, 64, seed=1)
    assert sum(weight.numel() for weight in model.parameters()) == WEIGHTS[name]
    smallest = discovery.smallest_image_px(name)
    for size_px in (smallest, 33):
        images = torch.rand(3, 3, size_px, size_px, generator=torch.Generator().manual_seed(1)) * 2 - 1
        logarithms = build_classifier(name, size_px, seed=1)(images)
        assert (logarithms.shape, logarithms.dtype) == ((3, 2), torch.float32)
        torch.testing.assert_close(logarithms.exp().sum(1), torch.ones(3))
    with pytest.raises(PathgenError, match=f"patches of {smallest - 1} px are too small"):
        build_classifier(name, smallest - 1, seed=1)


@pytest.mark.parametrize("name", ["googlenet", "resnet18"])
def test_stem_leaves_an_eighth_of_the_side(name: str) -> None:
    model = build_classifier(name, 64, seed=1).eval()
    sides: list[torch.Size] = []
    model.avgpool.register_forward_hook(lambda _, given, __: sides.append(given[0].shape[2:]))
    model(torch.zeros(1, 3, 64, 64))
    assert sides == [(8, 8)]


def test_what_a_network_draws_while_it_trains_is_seeded(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    trained = []
    for number in (3, 4):
        torch.manual_seed(number)
        trained.append(train_toy(classifier="googlenet", max_steps=2, max_epochs=1))
        if number == 3:
            assert torch.equal(torch.rand(1), expected), "the global generator was moved"
    first, second = (one.model.state_dict() for one in trained)
    assert all(torch.equal(first[name], second[name]) for name in first)
    save_classifier(tmp_path / "model", trained[0], {})
    images, _ = toy_patches(5, 5)
    loaded = load_classifier(tmp_path / "model")
    assert np.array_equal(predict(loaded, images, CPU), predict(trained[0].model, images, CPU))


def written(path: Path, tensors: dict[str, torch.Tensor]) -> str:
    safetensors.torch.save_file(tensors, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_pretrained_weights_fill_all_but_the_head(tmp_path: Path) -> None:
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


def test_pretrained_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    given = build_classifier("cnn6", 16, seed=2).state_dict()
    given["features.5.weight"] = torch.zeros(64, 32, 5, 5)
    del given["head.0.bias"]
    model = build_classifier("cnn6", 16, seed=1)
    digest = written(file, given)
    said = r"features\.5\.weight is \(64, 32, 5, 5\) in place of \(64, 32, 3, 3\), head\.0\.bias is missing"
    with pytest.raises(PathgenError, match=said):
        fill_from_file(model, "cnn6", file, digest)
    with pytest.raises(PathgenError, match=f"its SHA-256 is {digest}, not 00"):
        fill_from_file(model, "cnn6", file, "00")
    with pytest.raises(PathgenError, match="never downloaded"):
        fill_from_file(model, "cnn6", tmp_path / "none.safetensors", digest)
    file.write_bytes(b"no tensors")
    with pytest.raises(PathgenError, match="not whole safetensors"):
        fill_from_file(model, "cnn6", file, hashlib.sha256(b"no tensors").hexdigest())


def test_training_starts_from_pretrained_weights_and_says_which_it_drew(tmp_path: Path) -> None:
    digest = written(tmp_path / "w.safetensors", build_classifier("cnn6", 16, seed=2).state_dict())
    still = {"max_epochs": 1, "learning_rate": 1e-30, "weight_decay": 0.0}
    trained = train_toy(weights_file=str(tmp_path / "w.safetensors"), weights_sha256=digest, **still)
    assert trained.fresh == ["head.4.weight", "head.4.bias"]
    expected = build_classifier("cnn6", 16, seed=2).state_dict()["head.0.weight"]
    assert torch.equal(trained.model.state_dict()["head.0.weight"], expected)
    save_classifier(tmp_path / "model", trained, {})
    assert "not_pretrained" in (tmp_path / "model" / "model.json").read_text()


def test_code_of_a_network_is_its_file_and_what_that_imports() -> None:
    assert set(discovery.code_digests("cnn6")) == {"pathgen/classifier/networks/cnn6.py"}
    found = discovery.code_digests("resnet18")
    assert set(found) == {"pathgen/classifier/networks/resnet18.py", "pathgen/core/torchvision_import.py"}
    assert (
        found["pathgen/core/torchvision_import.py"]
        == hashlib.sha256((ROOT / "pathgen/core/torchvision_import.py").read_bytes()).hexdigest()
    )


def test_the_example_of_a_new_classifier_trains_saves_and_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chapter = (ROOT / "CONTRIBUTING.md").read_text().split("## Add a classifier")[1].split("\n## ")[0]
    code = re.findall(r"```python\n(.*?)```", chapter, re.DOTALL)
    assert len(code) == 1, "one file is all that a new network needs"
    assert code[0].count("\n") < 40
    folder = tmp_path / "pathgen" / "classifier" / "networks"
    folder.mkdir(parents=True)
    (folder / "linear.py").write_text(code[0])
    monkeypatch.setattr(
        pathgen.classifier.networks, "__path__", [*pathgen.classifier.networks.__path__, str(folder)]
    )
    monkeypatch.setattr(discovery, "_PACKAGE", folder)
    monkeypatch.setattr(discovery, "_ROOT", tmp_path)
    assert list(discovery.code_digests("linear")) == ["pathgen/classifier/networks/linear.py"]
    trained = train_toy(classifier="linear", max_epochs=6, patience=6, learning_rate=0.001)
    save_classifier(tmp_path / "model", trained, {"seed": 1})
    images, labels = toy_patches(60, 3)
    scores = predict(load_classifier(tmp_path / "model"), images, CPU)
    assert ((scores >= 0.5) == labels).mean() > 0.9
    (folder / "linear.py").write_text(code[0].replace("IMAGE_PX = 1\n", "IMAGE_PX = 17\n"))
    with pytest.raises(PathgenError, match="patches of 16 px are too small, it needs 17 px"):
        train_toy(classifier="linear")
