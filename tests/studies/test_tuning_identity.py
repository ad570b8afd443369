"""The name of a study stands for all that shapes its trials, and for nothing else."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tuning_toy import PARAMS, settings

from pathgen.studies.tuning import study_name as identity
from pathgen.studies.tuning.study_name import study_name

ROOT = Path(__file__).resolve().parents[2]
WITH_THREADS = {**PARAMS, "compute": {**PARAMS["compute"], "threads": 2}}
CLASSIFIER = "train_classifier.classifiers.toy"


def name(change: Callable[[dict[str, Any]], object] = lambda params: None, **changed: Any) -> str:
    params = copy.deepcopy(WITH_THREADS)
    change(params)
    return study_name(params, settings(**changed), [], "cpu")


def test_threads_that_draw_make_another_study_and_workers_do_not() -> None:
    assert name() == name(lambda params: params.update(tuning_work={"workers": 9}), trials=99)
    assert name() == name(lambda params: params.update(report={"title": "other"}))
    assert name() != name(lambda params: params["compute"].update(threads=3))


@pytest.mark.parametrize(
    "module", ["pathgen.gan.sample_cache", "pathgen.studies.tuning.pruning", "pathgen.studies.tuning.worker"]
)
def test_code_that_draws_prunes_and_trains_is_in_the_name(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, before = identity.code_manifest, name()

    def edited(*modules: str) -> dict[str, str]:
        return {**plain(*modules), **({"edited": "yes"} if module in modules else {})}

    monkeypatch.setattr(identity, "code_manifest", edited)
    assert name() != before


DEEP = {"field": CLASSIFIER, "variants": {"deep": {"network": "resnet18"}, "plain": {"lr_gamma": None}}}
OTHERS = {"field": f"{CLASSIFIER}.network", "choices": ["googlenet"]}


@pytest.mark.parametrize(
    ("space", "network", "trained"),
    [
        (DEEP, "resnet18", True),
        (DEEP, "cnn6", True),
        (DEEP, "googlenet", False),
        (OTHERS, "googlenet", True),
        (OTHERS, "cnn6", False),
    ],
)
def test_code_of_each_network_that_a_trial_may_train_is_in_the_name(
    space: dict[str, Any], network: str, trained: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, before = identity.code_digests, name(space=[space])

    def edited(of: str) -> dict[str, str]:
        return {**plain(of), "edited": "yes"} if of == network else plain(of)

    monkeypatch.setattr(identity, "code_digests", edited)
    assert (name(space=[space]) != before) == trained


def test_an_input_makes_another_study(tmp_path: Path) -> None:
    (tmp_path / "patches.npy").write_text("a")
    first = study_name(WITH_THREADS, settings(), [tmp_path], "cpu")
    (tmp_path / "patches.npy").write_text("b")
    assert study_name(WITH_THREADS, settings(), [tmp_path], "cpu") != first


def test_the_stage_depends_on_all_that_best_yaml_is_a_copy_of() -> None:
    stage = YAML(typ="safe").load(ROOT / "tuning" / "dvc.yaml")["stages"]["tune"]
    assert "params.yaml" in stage["deps"]
