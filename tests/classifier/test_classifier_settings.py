"""The sections of params.yaml refuse what cannot be meant."""

from typing import Any

import pytest

from pathgen.classifier.settings import EvaluateSettings, TrainClassifierSettings
from pathgen.errors import PathgenErrors
from pathgen.params import parse_section

PUBLISHED: dict[str, Any] = {
    "batch_size": 128,
    "max_epochs": 50,
    "patience": 5,
    "learning_rate": 0.001,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "lr_step_steps": 2000,
    "lr_gamma": 0.5,
    "mixed": "half",
    "validate_on": "original",
}


def parsed(**changed: Any) -> TrainClassifierSettings:
    return parse_section(
        {"train_classifier": {**PUBLISHED, **changed}}, "train_classifier", TrainClassifierSettings
    )


def test_published_values_are_accepted() -> None:
    assert parsed().valid_share_synthetic is None
    assert parsed(validate_on="code", valid_share_synthetic=0.3).valid_share_synthetic == 0.3


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"validate_on": "code"}, "valid_share_synthetic"),
        ({"valid_share_synthetic": 1.0}, "valid_share_synthetic"),
        ({"mixed": "third"}, "mixed"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"patience": 0}, "patience"),
        ({"momentum": 1.0}, "momentum"),
        ({"learning_rat": 0.1}, "learning_rat"),
    ],
)
def test_mistakes_are_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(PathgenErrors, match=said):
        parsed(**changed)


def test_evaluate() -> None:
    good = {"threshold": 0.5, "confidence": 0.95}
    assert parse_section({"evaluate": good}, "evaluate", EvaluateSettings).confidence == 0.95
    with pytest.raises(PathgenErrors, match="confidence"):
        parse_section({"evaluate": {**good, "confidence": 95.0}}, "evaluate", EvaluateSettings)
