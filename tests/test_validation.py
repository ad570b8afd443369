"""All problems of all sections are named at once, with their paths."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from factories.gan import RECIPES
from ruamel.yaml import YAML

from pathgen.core.errors import PathgenError, PathgenErrors
from pathgen.core.params import load_section
from pathgen.run_matrix import PipelineSettings
from pathgen.validation import SECTIONS, validate_params

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """Write the default params with a change."""

    def write(change: Callable[[dict[str, Any]], None]) -> Path:
        params = YAML(typ="safe").load(ROOT / "params.yaml")
        change(params)
        path = tmp_path / "params.yaml"
        YAML(typ="safe").dump(params, path)
        return path

    return write


def problems_of(path: Path) -> list[str]:
    with pytest.raises(PathgenErrors) as caught:
        validate_params(path)
    return [str(error) for error in caught.value.errors]


def test_validate_params_five_mistakes_are_all_named(changed: Any) -> None:
    def spoil(params: dict[str, Any]) -> None:
        params["sample"]["per_class"]["train"] = "many"
        params["train_gan"]["generators"]["dcgan"]["kimg"] = -1.0
        params["evaluate"]["threshold"] = 1.5
        params["cohort"]["source"] = "camelyon17"
        params["privacy"]["colour"] = "red"

    problems = problems_of(changed(spoil))
    for where in (
        "sample.per_class.train",
        "train_gan.generators.dcgan.kimg",
        "evaluate.threshold",
        "cohort.source",
        "privacy.colour",
    ):
        assert sum(where in problem for problem in problems) == 1, where
    assert len(problems) == 5
    assert any("'many'" in problem for problem in problems)


@pytest.mark.parametrize("section", SECTIONS)
def test_validate_params_missing_section_is_named(section: str, changed: Any) -> None:
    problems = problems_of(changed(lambda params: params.pop(section)))
    assert any(f"{section}: section is missing" in problem for problem in problems)


def test_validate_params_unknown_section_is_named(changed: Any) -> None:
    problems = problems_of(changed(lambda params: params.update(trainn={})))
    assert len(problems) == 1
    assert "trainn" in problems[0]


def test_validate_params_quoted_integer_is_refused(changed: Any) -> None:
    problems = problems_of(changed(lambda params: params["extract"].update(size_px="32")))
    assert "extract.size_px" in problems[0]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda p: p["extract"].update(size_px=48), "extract.size_px"),
        (lambda p: p["extract"].update(size_px=128), "extract.size_px"),
        (lambda p: p["synthesise"].update(per_class=10), "synthesise.per_class"),
        (lambda p: p["scaling"].update(generators=["stylegan2"]), "scaling.generators"),
        (lambda p: p["scaling"].update(classifiers=["resnet18"]), "scaling.classifiers"),
        (lambda p: p["scaling"].update(original_sizes=[10, 1001]), "scaling.original_sizes"),
        (lambda p: p["scaling"].update(synthetic_sizes=[10, 10001]), "scaling.training.max_steps"),
        (lambda p: p["sample"]["per_class"].update(fresh=9), "sample.per_class.fresh: is 9"),
        (lambda p: p["sample"]["per_class"].update(fresh=0), "sample.per_class.fresh: is 0"),
        (
            lambda p: p["privacy"].update(n_permutations=9999),
            "privacy.n_permutations: is 9999, but 9 audits",
        ),
        (
            lambda p: p["scaling"].update(synthetic_sizes=[10, 10000, "unlimited"]),
            "scaling.synthetic_sizes: holds 10000 and unlimited",
        ),
        (lambda p: p["scaling"].update(synthetic_sizes=[10, "all"]), "scaling.synthetic_sizes"),
        (lambda p: p["scaling"].update(seeds=[1, 1]), "scaling"),
        (lambda p: p["pipeline"].update(regimes=["original"]), "pipeline"),
        (lambda p: p["pipeline"].update(seeds=[1, 1]), "pipeline"),
        (lambda p: p["pipeline"].update(generators=["vae"]), "train_gan.generators.vae"),
        (lambda p: p["train_gan"]["generators"]["dcgan"].update(network="vae"), "generators.dcgan.network"),
        (
            lambda p: p["synthesise"].update(sampling={"dcgan": {"noise": "none"}}),
            "synthesise.sampling.dcgan",
        ),
        (lambda p: p["pipeline"].update(classifiers=["cnn7"]), "pipeline.classifiers"),
        (lambda p: p["extract"].update(size_px=8), "extract.size_px: is 8, but the network cnn6"),
    ],
)
def test_validate_params_sections_must_agree(change: Any, where: str, changed: Any) -> None:
    assert any(where in problem for problem in problems_of(changed(change)))


def test_validate_params_only_the_control_of_fresh_patches_needs_them(changed: Any) -> None:
    def without(params: dict[str, Any]) -> None:
        params["sample"]["per_class"]["fresh"] = 0
        params["pipeline"]["controls"].remove("control-fresh")

    validate_params(changed(without))


@pytest.mark.parametrize(
    ("change", "field"), [({"batch_size": 1024}, "batch_size"), ({"unit": "patient"}, "unit")]
)
def test_validate_params_only_trained_recipes_must_fit_the_study(
    change: Any, field: str, changed: Any
) -> None:
    def add_recipe(params: dict[str, Any]) -> None:
        params["train_gan"]["generators"]["dp"] = RECIPES["dpdcgan"] | change
        params["cohort"] |= {"source": "pcam", "root": "data/raw/pcam", "pcam": {"crop_px": 64}}
        params["cohort"].pop("phantom")

    def train_it(params: dict[str, Any]) -> None:
        add_recipe(params)
        params["pipeline"]["generators"].append("dp")

    validate_params(changed(add_recipe))
    (problem,) = problems_of(changed(train_it))
    assert f"train_gan.generators.dp.{field}: is" in problem


@pytest.mark.parametrize("text", ["a: [1", "- just\n- a list\n", "\tx: 1", "\x00"])
def test_validate_params_other_file_is_one_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(PathgenError) as caught:
        validate_params(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_validate_params_numbers_follow_yaml_1_2(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text().replace("learning_rate: 0.02", "learning_rate: 2e-2"))
    validate_params(path)


def test_pipeline_section_of_the_repository_is_valid() -> None:
    settings = load_section("pipeline", PipelineSettings, ROOT / "params.yaml")
    assert settings.regimes == ["mixed", "synthetic"]
