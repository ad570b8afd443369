"""Generators on the tiny study: what a change of one of them runs, and two that train side by side."""

import pytest
from factories.gan import RECIPES
from factories.tiny_study import Study, ran

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]
DP = {"seed", "augment"}


def with_two_generators(study: Study) -> None:
    """Add a generator with differential privacy per patient, and make both trainings short."""
    recipe = {name: value for name, value in RECIPES["dpdcgan"].items() if name not in DP}
    patients = {"unit": "patient", "batch_size": 4, "patches_per_unit": 4, "kimg": 0.08}
    study.set_params(
        {
            "pipeline.generators": ["dcgan", "dp-eps10"],
            "train_gan.generators.dp-eps10": recipe | patients,
        }
    )


def stages_to_run(study: Study) -> set[str]:
    """Return the stages that DVC would run, without the first one."""
    said = study.run("dvc", "repro", "--dry").stdout
    return set(ran(said)) - {"check_params"}


def test_two_generators_train_side_by_side(copy: Study) -> None:
    with_two_generators(copy)
    copy.repro("extract")
    command = ["dvc", "--wait-for-lock", "repro", "--single-item"]
    processes = [
        copy.start(*command, f"train_gan@{name}", log=copy.root / f"{name}.log")
        for name in ("dcgan", "dp-eps10")
    ]
    assert [process.wait(300) for process in processes] == [0, 0]
    assert ran(copy.repro("train_gan")) == []
    assert (copy.root / "models/gan/dp-eps10/tumor/model.json").exists()


def test_change_of_one_generator_runs_only_its_stages(copy: Study) -> None:
    with_two_generators(copy)
    copy.repro("train_gan", "synthesise")
    for change in ("setting", "code"):
        if change == "setting":
            copy.set_params({"train_gan.generators.dp-eps10.max_grad_norm": 0.5})
        else:
            with (copy.root / "pathgen/gan/generators/dpdcgan/privacy_unit.py").open("a") as module:
                module.write("# a comment\n")
        trained = ran(copy.repro("train_gan", "synthesise"))
        assert set(trained) - {"check_params"} <= {"train_gan@dp-eps10", "synthesise@dp-eps10"}, change
        assert "train_gan@dp-eps10" in trained, change
