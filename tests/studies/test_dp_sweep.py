"""The privacy sweep: its points in order, the attack it reports, its table, words and picture."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import numpy_generator
from pathgen.patches.store import PatchSet
from pathgen.studies.dp_sweep.attack import strongest_attack
from pathgen.studies.dp_sweep.curve import build_sweep, table_of
from pathgen.studies.dp_sweep.point import Private, run_sweep_point
from pathgen.studies.dp_sweep.settings import DpSweepSettings
from pathgen.training.metric_logger import NullLogger

LABELS = ("normal", "tumor")
COMPARED = {
    "max_originals": 40,
    "max_synthetic": 80,
    "symmetries": "identity",
    "max_shift_px": 0,
    "shift_shortlist": 1,
    "seed": 1,
}
RECIPE = {
    "unit": "patch",
    "target_epsilon": 8.0,
    "target_delta": 1e-4,
    "max_grad_norm": 1.0,
    "patches_per_unit": 1,
    "batch_size": 8,
    "kimg": 0.08,
    "discriminator_steps": 1,
    "lr_generator": 1e-3,
    "lr_discriminator": 1e-3,
    "beta1": 0.5,
    "beta2": 0.999,
    "real_target": 0.9,
    "ema_decay": 0.9,
    "secret_file": None,
    "augment": "none",
    "seed": 3,
}
CLASSIFIER = {
    "network": "cnn6",
    "batch_size": 8,
    "max_epochs": 1,
    "patience": 1,
    "learning_rate": 0.01,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "lr_schedule": "cosine",
    "lr_step_steps": None,
    "lr_gamma": None,
    "augment": "none",
}


def tissue(count: int, seed: int, side: int = 16) -> np.ndarray:
    """Smooth fields that differ as patches of one kind do."""
    rng = numpy_generator(seed, "tissue")
    coarse = rng.integers(40, 215, (count, side // 4, side // 4, 3))
    fine = np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2) + rng.integers(-30, 30, (count, side, side, 3))
    return np.clip(fine, 0, 255).astype(np.uint8)


def by_label(count: int, seed: int) -> dict[str, np.ndarray]:
    return {label: tissue(count, seed + number) for number, label in enumerate(LABELS)}


def point(epsilon: str, seed: int, accuracy: float, auc: float) -> dict[str, Any]:
    spent = None if epsilon == "unlimited" else float(epsilon) - 0.01 * seed
    facts = {
        "unit": "patch",
        "delta": 1e-5,
        "epsilon": spent,
        "noise_multiplier": 0.0 if spent is None else 1.5,
    }
    return {
        "epsilon": epsilon,
        "seed": seed,
        "accuracy": accuracy,
        "roc_auc": accuracy + 0.05,
        "guessing": 0.5,
        "attack_auc": auc,
        "attack_by_chance": 0.53,
        "attack_by_chance_high": 0.56,
        "discriminator_auc": auc + 0.1,
        "privacy": {"normal": facts, "tumor": {**facts, "noise_multiplier": 0.0 if spent is None else 1.4}},
    }


def settings(**changed: Any) -> DpSweepSettings:
    values = {
        "epsilons": ["unlimited", 30.0, 1.0],
        "seeds": [1, 2],
        "classifier": "cnn6",
        "training": {"max_steps": 5, "validate_every_steps": 5},
        "confidence": 0.95,
    }
    return DpSweepSettings.model_validate(values | changed)


def test_points_are_named_by_falling_privacy() -> None:
    assert settings().points() == ["1.0-1", "1.0-2", "30.0-1", "30.0-2", "unlimited-1", "unlimited-2"]


def test_copies_are_found_and_strangers_are_not() -> None:
    members, nonmembers, reference = by_label(60, 1), by_label(60, 11), by_label(60, 21)

    def attacked(synthetic: dict[str, np.ndarray], judge: Any) -> dict[str, Any]:
        return strongest_attack(
            members,
            nonmembers,
            reference,
            synthetic,
            discriminators=dict.fromkeys(LABELS, judge),
            **COMPARED,
            device="cpu",
        )

    def knows(images: np.ndarray) -> np.ndarray:
        known = {image.tobytes() for of_label in members.values() for image in of_label}
        return np.array([float(image.tobytes() in known) for image in images])

    honest = attacked(by_label(80, 31), lambda images: np.zeros(len(images)))
    assert honest["discriminator_auc"] == 0.5
    assert honest["attack_auc"] < honest["attack_by_chance_high"] < 0.75
    assert 0.5 < honest["attack_by_chance"] < honest["attack_by_chance_high"]
    # Of one class only: the attack says of which.
    copied = attacked({"normal": by_label(80, 31)["normal"], "tumor": members["tumor"]}, knows)
    assert copied["attack_auc"] > 0.95
    assert copied["attack"].endswith(" tumor")
    assert copied["discriminator_auc"] == 1.0


@pytest.fixture
def points(tmp_path: Path) -> Path:
    folder = tmp_path / "points"
    folder.mkdir()
    for name, accuracy, auc in (
        ("1.0", 0.5, 0.53), ("30.0", 0.7, 0.55), ("unlimited", 0.8, 0.6),
    ):  # fmt: skip
        for seed in (1, 2):
            found = point(name, seed, accuracy + 0.02 * seed, auc)
            (folder / f"{name}-{seed}.json").write_text(json.dumps(found))
    return folder


def test_the_table_has_means_intervals_and_what_was_spent(points: Path) -> None:
    found = [json.loads((points / f"{name}.json").read_text()) for name in settings().points()]
    table = table_of(found, 0.95)
    assert list(table["epsilon"]) == ["1.0", "30.0", "unlimited"]
    assert list(table["accuracy"]) == pytest.approx([0.53, 0.73, 0.83])
    # Student's t with one degree of freedom: 12.706 standard errors of 0.01.
    assert list(table["accuracy_high"] - table["accuracy"]) == pytest.approx([0.127062] * 3, abs=1e-5)
    assert list(table["attack_auc_low"]) == pytest.approx([0.53, 0.55, 0.6])
    assert list(table["epsilon_spent"][:2]) == pytest.approx([0.99, 29.99])
    assert pd.isna(table["epsilon_spent"][2])
    assert list(table["noise_multiplier"]) == [1.5, 1.5, 0.0]


def test_the_sweep_is_told_in_words_numbers_and_a_picture(points: Path, tmp_path: Path) -> None:
    def build(folder: Path) -> Any:
        return build_sweep(points, settings().points(), folder, confidence=0.95, made_from={"a": "b"})

    summary = build(tmp_path / "one")
    build(tmp_path / "two")
    for name in ("curve.svg", "curve.csv", "summary.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    told = json.loads((tmp_path / "one" / "summary.json").read_text())
    assert told["sentences"] == summary.sentences
    assert told["made_from"] == {"a": "b"}
    assert told["figures"][0]["file"] == "curve.svg"
    said = " ".join(summary.sentences)
    assert "hides one training patch of a class, at delta 1e-05" in said
    assert "At epsilon 30 the accuracy is 0.730 (95% interval 0.603 to 0.857)" in said
    assert "Without noise the accuracy is 0.830" in said
    assert "0.530 on average where nothing leaks" in said
    assert summary.numbers["dp_sweep/attack_auc/unlimited"] == pytest.approx(0.6)


def test_one_seed_has_no_interval(points: Path, tmp_path: Path) -> None:
    summary = build_sweep(points, ["1.0-1"], tmp_path, confidence=0.95, made_from={})
    assert "accuracy is 0.520, and the strongest attack has an area under the curve of 0.530." in " ".join(
        summary.sentences
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "no such point"), ("{", "not readable"), ('{"epsilon": 1}', "is no point")],
)
def test_points_that_are_missing_or_damaged_are_named(
    points: Path, tmp_path: Path, content: str | None, reason: str
) -> None:
    file = points / "30.0-2.json"
    file.unlink()
    if content is not None:
        file.write_text(content)
    with pytest.raises(PathgenError, match=rf"30\.0-2\.json: {reason}.*make dp-sweep"):
        build_sweep(points, settings().points(), tmp_path, confidence=0.95, made_from={})


def test_a_point_is_trained_judged_and_attacked(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    patches = {}
    for number, role in enumerate(("train", "valid", "test", "nonmember", "reference")):
        index = pd.DataFrame({"label": np.repeat(LABELS, 30), "slide": "s1", "patient": None})
        patches[role] = PatchSet(np.concatenate(list(by_label(30, 10 * number).values())), index)

    def run(epsilon: float | None, folder: Path) -> tuple[dict[str, Any], np.ndarray]:
        return run_sweep_point(
            patches,
            True,
            Private(
                {**RECIPE, "target_epsilon": epsilon},
                {"width": 8, "latent_dim": 8, "discriminator_width": 8},
                torch.device("cpu"),
                "fp32",
                True,
                1.0,
            ),
            per_class=40,
            drawing_seed=5,
            attack=COMPARED,
            classifier={
                "recipe": CLASSIFIER,
                "max_steps": 4,
                "validate_every_steps": 2,
                "seed": 1,
                "threshold": 0.5,
            },
            resume_folder=folder,
            recorder=NullLogger(),
            what="a point",
        )

    found, picture = run(8.0, tmp_path / "one")
    without, other = run(None, tmp_path / "two")
    assert picture.shape == other.shape
    assert not np.array_equal(picture, other)
    assert without["privacy"]["tumor"]["epsilon"] is None
    for label in LABELS:
        facts = found["privacy"][label]
        assert facts["units"] == 30
        assert 7.9 < facts["epsilon"] <= 8.0
    assert {"accuracy", "guessing", "attack_auc", "attack_by_chance_high", "discriminator_auc"} <= set(found)
    assert found["per_class"] == 40
