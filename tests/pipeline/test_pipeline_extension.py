"""An extension runs its own stages alone, and so does a change of one generator."""

import subprocess
from pathlib import Path

import pytest
from factories.gan import RECIPES
from factories.tiny_study import WRITTEN, Study
from factories.walkthrough import edit_by_chapter
from ruamel.yaml import YAML

from pathgen.tracking.dvc_api import downstream, open_project, stage_states

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1800)]

# Stages that read the results of all generators and classifiers. The report states the hash of all code.
JOINT = {"evaluate", "compare", "verdict", "report"}
MLPGAN = {
    "network": "mlpgan",
    "width": 16,
    "latent_dim": 8,
    "batch_size": 8,
    "kimg": 0.06,  # fewer steps than the divergence monitor waits for: so small a network may collapse
}


def would_run(study: Study) -> set[str]:
    """Return the stages that ``dvc repro`` would run: the changed ones, and all that read their outputs."""
    study.repro("check_params")
    with open_project(study.root) as project:
        states = stage_states(project)
    return downstream(states, {name for name, state in states.items() if state.changes})


def stages_of(generator: str) -> set[str]:
    """Return the stages of the tiny study that belong to one generator."""
    return {
        *(f"{verb}@{generator}" for verb in ("train_gan", "synthesise", "fidelity", "privacy")),
        *(f"train_classifier@{regime}-{generator}-cnn6" for regime in ("mixed", "synthetic")),
    }


def changed_paths(study: Study) -> set[str]:
    """Return the paths that git lists as changed, without those that the study writes."""
    return study.untracked_and_changed() - {"params.yaml", *WRITTEN}


def add_mlpgan(study: Study) -> list[str]:
    """Add the generator of CONTRIBUTING with a small recipe."""
    files = edit_by_chapter("Add a generator", study.root)
    params = YAML(typ="safe").load(study.root / "params.yaml")
    recipe = {**params["train_gan"]["generators"]["dcgan"], **MLPGAN}
    study.set_params({"pipeline.generators": ["dcgan", "mlpgan"], "train_gan.generators.mlpgan": recipe})
    return files


def edit(file: Path) -> None:
    """Change the code of a module: a line more."""
    file.write_text(file.read_text(encoding="utf-8") + "\nADDED = 1\n", encoding="utf-8")


def add_linear(study: Study) -> None:
    edit_by_chapter("Add a classifier", study.root)
    params = YAML(typ="safe").load(study.root / "params.yaml")
    recipe = {**params["train_classifier"]["classifiers"]["cnn6"], "network": "linear"}
    study.set_params(
        {"pipeline.classifiers": ["cnn6", "linear"], "train_classifier.classifiers.linear": recipe}
    )


def test_new_generator_runs_its_own_stages(copy: Study) -> None:
    files = add_mlpgan(copy)
    assert changed_paths(copy) == set(files)
    assert len(files) == 1
    assert would_run(copy) == stages_of("mlpgan") | JOINT


def test_new_classifier_runs_its_own_stages(copy: Study) -> None:
    add_linear(copy)
    assert would_run(copy) == JOINT | {
        "train_original@linear",
        "train_classifier@mixed-dcgan-linear",
        "train_classifier@synthetic-dcgan-linear",
        "train_control@linear",
    }


@pytest.mark.parametrize(
    ("chapter", "stages", "edited"),
    [
        ("Add a source", set(), 0),
        ("Add a fidelity metric", {"fidelity@dcgan"}, 1),
        ("Add an attack", {"privacy@dcgan", "verdict"}, 1),
    ],
)
def test_new_file_runs_the_stages_that_use_it(
    copy: Study, chapter: str, stages: set[str], edited: int
) -> None:
    files = edit_by_chapter(chapter, copy.root)
    assert len(files) == 1
    assert len(changed_paths(copy)) == 1 + edited
    assert would_run(copy) == stages | {"report"}


def test_change_of_one_generator_runs_its_own_stages(copy: Study) -> None:
    add_mlpgan(copy)
    copy.repro("synthesise")
    assert would_run(copy).isdisjoint({"train_gan@mlpgan", "synthesise@mlpgan", "train_gan@dcgan"})
    copy.set_params({"train_gan.generators.mlpgan.width": 24})
    assert would_run(copy) == stages_of("mlpgan") | JOINT
    copy.set_params({"train_gan.generators.mlpgan.width": MLPGAN["width"]})
    edit(copy.root / "pathgen/gan/generators/mlpgan.py")
    assert would_run(copy) == stages_of("mlpgan") | JOINT


def test_change_of_sampling_runs_the_stages_of_its_generator(copy: Study) -> None:
    recipe = {name: value for name, value in RECIPES["stylegan2"].items() if name not in {"seed", "augment"}}
    copy.set_params(
        {
            "pipeline.generators": ["dcgan", "stylegan2"],
            "train_gan.generators.stylegan2": recipe | {"kimg": 0.06},
        }
    )
    copy.repro("synthesise")
    copy.set_params({"synthesise.sampling": {"stylegan2": {"truncation_psi": 0.7}}})
    assert would_run(copy) == (stages_of("stylegan2") - {"train_gan@stylegan2"}) | JOINT


def test_two_repros_at_once_train_two_generators(copy: Study, tmp_path: Path) -> None:
    patients = {"unit": "patient", "batch_size": 4, "patches_per_unit": 4, "kimg": 0.08}
    recipe = {name: value for name, value in RECIPES["dpdcgan"].items() if name not in {"seed", "augment"}}
    copy.set_params(
        {
            "pipeline.generators": ["dcgan", "dp-eps10"],
            "train_gan.generators.dp-eps10": recipe | patients,
            "train_gan.generators.dcgan.kimg": 0.9,
        }
    )
    copy.repro("extract")
    # Without --single-item each would lock the outputs of the stages before it, which the other reads.
    logs = {name: tmp_path / f"{name}.log" for name in ("dcgan", "dp-eps10")}
    processes: dict[str, subprocess.Popen[bytes]] = {
        name: copy.start("dvc", "repro", "--single-item", f"train_gan@{name}", log=log)
        for name, log in logs.items()
    }
    ends = {name: process.wait(timeout=600) for name, process in processes.items()}
    assert ends == dict.fromkeys(logs, 0), [log.read_text()[-2000:] for log in logs.values()]
    assert would_run(copy).isdisjoint({"train_gan@dcgan", "train_gan@dp-eps10"})
