"""Settings of the section train_classifier."""

from typing import Any

import pytest
from factories.toy_classifier import RECIPE

from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.params import parse_section

REGIMES = {"mixed_original": 0.5, "mixed_synthetic": 0.5, "validate_on": "original"}


def parsed(
    name: str = "cnn6", regimes: dict[str, Any] | None = None, **changed: Any
) -> TrainClassifierSettings:
    classifiers = {name: {**RECIPE, **changed}}
    section = {"regimes": {**REGIMES, **(regimes or {})}, "classifiers": classifiers}
    return parse_section({"train_classifier": section}, "train_classifier", TrainClassifierSettings)


def test_published_recipe_is_valid() -> None:
    assert parsed().regimes.valid_share_synthetic is None
    held_out = parsed(regimes={"validate_on": "code", "valid_share_synthetic": 0.3})
    assert held_out.regimes.valid_share_synthetic == 0.3


def test_of_returns_the_recipe_or_raises() -> None:
    assert parsed("cnn6-tuned").of("cnn6-tuned").network == "cnn6"
    with pytest.raises(PathgenError, match="cnn7"):
        parsed().of("cnn7")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"regimes": {"validate_on": "code"}}, "valid_share_synthetic"),
        ({"regimes": {"valid_share_synthetic": 1.0}}, "valid_share_synthetic"),
        ({"regimes": {"mixed_original": 0.0}}, "mixed_original"),
        ({"name": "cnn6.tuned"}, "cnn6.tuned"),
        ({"name": "cnn6-2"}, "cnn6-2"),
        ({"network": "cnn7"}, "network must be one of"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"patience": 0}, "patience"),
        ({"momentum": 1.0}, "momentum"),
        ({"learning_rat": 0.1}, "learning_rat"),
        ({"lr_gamma": None}, "needs lr_step_steps and lr_gamma"),
        ({"lr_schedule": "cosine"}, "cosine takes no lr_step_steps"),
        ({"augment": "mixup"}, "augment"),
        ({"initialisation": "xavier"}, "initialisation"),
        ({"warmup_steps": -1}, "warmup_steps"),
        ({"weights_file": "w.safetensors"}, "go together"),
        ({"weights_file": "w.safetensors", "weights_sha256": "12"}, "weights_sha256"),
    ],
)
def test_invalid_setting_raises_with_its_name(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(PathgenErrors, match=message):
        parsed(**changed)
