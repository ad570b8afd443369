"""A private generator and the privacy sweep on the tiny study."""

import json

import pytest
from factories.tiny_study import Study, ran

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
FILE = "dp_sweep/dvc.yaml"


def test_the_sweep_runs_its_points_and_a_new_epsilon_alone(copy: Study) -> None:
    stages = ran(copy.repro(FILE))
    assert set(stages) - {"check_params"} == {
        *(f"{FILE}:point@{epsilon}-{seed}" for epsilon in ("30.0", "unlimited") for seed in (1, 2)),
        f"{FILE}:curve",
    }
    folder = copy.root / "results/dp_sweep"
    point = json.loads((folder / "points/30.0-1.json").read_text())
    for facts in point["privacy"].values():
        assert facts["epsilon"] <= 30.0
        assert facts["units"] == 48
    assert (folder / "pictures/unlimited-2.png").exists()

    copy.set_params({"dp_sweep.epsilons": [10.0, 30.0, "unlimited"]})
    later = ran(copy.repro(FILE))
    assert set(later) - {"check_params"} == {
        *(f"{FILE}:point@10.0-{seed}" for seed in (1, 2)),
        f"{FILE}:curve",
    }
    assert "At epsilon 10 the accuracy is" in (folder / "summary.json").read_text()


def test_a_private_generator_is_trained_and_says_what_it_spent(copy: Study) -> None:
    copy.set_params(
        {
            "pipeline.generators": ["dcgan", "dpdcgan"],
            "pipeline.per_class_generators": ["dcgan", "dpdcgan"],
            "pipeline.regimes": [
                *("original", "mixed-dcgan", "mixed-dpdcgan", "synthetic-dcgan", "synthetic-dpdcgan")
            ],
            "train_gan.dpdcgan.unit": "patient",
            "train_gan.dpdcgan.batch_size": 4,
            "train_gan.dpdcgan.patches_per_unit": 4,
            "train_gan.dpdcgan.kimg": 0.08,
        }
    )
    said = copy.repro("train_gan@dpdcgan-tumor")
    assert "each of them counts as a patient" in said
    card = json.loads((copy.root / "models/gan/dpdcgan-tumor/model.json").read_text())
    assert card["privacy"]["unit"] == "patient"
    assert card["privacy"]["epsilon"] <= 10.0
    assert "gan/epsilon" in (copy.root / "results/gan/dpdcgan-tumor/history.csv").read_text()
