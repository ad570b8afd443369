"""What the page says is proven, and what not."""

import json
from pathlib import Path
from typing import Any

import pytest

from pathgen.report.dp_guarantee import _sure, guarantees

FACTS = {"unit": "patch", "units": 1000, "epsilon": 0.996, "delta": 1e-5, "secret": False}


def said(
    folder: Path, normal: dict[str, Any] | None, tumor: dict[str, Any] | None, name: str = "dpdcgan"
) -> str:
    for label, facts in (("normal", normal), ("tumor", tumor)):
        model = folder / "gan" / f"{name}-{label}"
        model.mkdir(parents=True)
        (model / "model.json").write_text(json.dumps({} if facts is None else {"privacy": facts}))
    return guarantees(folder, [name, "absent"])[name]


def test_a_generator_without_noise_is_said_to_prove_nothing(tmp_path: Path) -> None:
    for number, (normal, tumor) in enumerate([(None, None), (FACTS, {**FACTS, "epsilon": None})]):
        text = said(tmp_path / str(number), normal, tumor, "dcgan")
        assert text.startswith("Nothing is proven of the patches of dcgan")
        assert "epsilon" not in text
    assert guarantees(tmp_path / "none", ["dcgan"]) == {}


def test_the_bound_is_told_for_even_odds_with_what_it_leaves_out(tmp_path: Path) -> None:
    text = said(tmp_path, FACTS, {**FACTS, "epsilon": 2.997, "units": 900})
    assert "one certain patch was among those" in text
    assert "at most 74 % sure after seeing the normal ones (epsilon 0.996, delta 1e-05, one of 1,000)" in text
    assert "at most 96 % sure after seeing the tumour ones (epsilon 3, delta 1e-05, one of 900)" in text
    assert "A patient with many patches is not hidden by it" in text
    assert "against those who know them nothing is proven. Name a secret file" in text
    assert "promises little" not in text


def test_a_large_epsilon_and_a_secret_are_said(tmp_path: Path) -> None:
    text = said(tmp_path, {**FACTS, "epsilon": 9.99, "secret": True}, {**FACTS, "secret": True})
    assert "So large an epsilon promises little by itself" in text
    assert "came from a secret file" in text


def test_epsilons_of_a_patient_with_patches_of_both_classes_add_up(tmp_path: Path) -> None:
    of_patients = {**FACTS, "unit": "patient", "units": 120}
    text = said(tmp_path, of_patients, {**of_patients, "epsilon": 2.0})
    assert "that a certain patient was among those" in text
    assert "patches of both kinds the epsilons add up (3)" in text
    assert "A patient with many patches" not in text


@pytest.mark.parametrize(
    ("epsilon", "sure"),
    [(0.0, "50 %"), (1.0, "74 %"), (5.0, "99.4 %"), (10.0, "99.996 %"), (40.0, "all but 100 %")],
)
def test_even_odds_never_become_certain(epsilon: float, sure: str) -> None:
    assert _sure(epsilon) == sure
