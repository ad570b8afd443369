"""A classifier that is added trains itself and nothing else; so does a changed network or recipe."""

import json
import re

import pytest
from factories.tiny_study import CHECKOUT, Study, ran

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1800)]

RECIPE = {
    "network": "linear",
    "batch_size": 16,
    "max_epochs": 2,
    "patience": 2,
    "learning_rate": 0.001,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "lr_schedule": "cosine",
    "augment": "d4",
}


def add_linear(study: Study) -> None:
    """Do what CONTRIBUTING says."""
    chapter = (CHECKOUT / "CONTRIBUTING.md").read_text().split("## Add a classifier")[1]
    code = re.findall(r"```python\n(.*?)```", chapter, re.DOTALL)[0]
    (study.root / "pathgen/classifier/networks/linear.py").write_text(code)
    study.set_params(
        {"pipeline.classifiers": ["cnn6", "linear"], "train_classifier.classifiers.linear": RECIPE}
    )


def trained(said: str) -> list[str]:
    return [name for name in ran(said) if name.startswith(("train_", "synthesise"))]


def test_a_new_classifier_trains_nothing_else(copy: Study) -> None:
    add_linear(copy)
    said = copy.repro()
    assert trained(said) == [name for name in trained(said) if "linear" in name] != []
    assert not {"cohort", "index", "sample", "extract", "survey"} & set(ran(said))
    facts = json.loads((copy.root / "models/classifier/original-linear-1/model.json").read_text())
    assert (facts["classifier"], facts["network"], facts["regime"]) == ("linear", "linear", "original")
    assert "linear" in (copy.root / "report/results.md").read_text()

    copy.set_params({"train_classifier.classifiers.linear.momentum": 0.8})
    assert changed(copy) == {"linear"}
    network = copy.root / "pathgen/classifier/networks/cnn6.py"
    network.write_text(network.read_text() + "# another network now\n")
    copy.repro("check_params")
    assert changed(copy) == {"linear", "cnn6"}
    copy.set_params({"train_classifier.classifiers.linear.momentum": 0.9})
    assert changed(copy) == {"cnn6"}


def changed(study: Study) -> set[str]:
    """Return the classifiers that DVC would train again."""
    status = json.loads(study.run("dvc", "status", "--json").stdout)
    return {name.split("-")[-2].split("@")[-1] for name in status if name.startswith("train_")}
