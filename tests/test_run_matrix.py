"""Names of matrix items, replicates, and the removal of results that are no longer in the settings."""

from pathlib import Path

import pydantic
import pytest

from pathgen.core.errors import PathgenError
from pathgen.run_matrix import (
    PipelineSettings,
    Replicate,
    RunKey,
    classifier_run,
    parse_run,
    prune,
    regime_name,
    replicates,
)

SETTINGS = PipelineSettings(
    generators=["dcgan", "dp-eps10"],
    classifiers=["cnn6", "cnn6-tuned"],
    regimes=["mixed", "synthetic"],
    seeds=[1, 2],
)
RECIPES = {
    "dcgan": {"network": "dcgan", "width": 8},
    "dcgan-b": {"network": "dcgan", "width": 8, "seed": 2},
    "dp": {"network": "dpdcgan"},
    "dp-eps10": {"network": "dpdcgan", "target_epsilon": 10.0},
}


def test_names_of_regimes_and_runs() -> None:
    assert regime_name("original", None) == "original"
    assert classifier_run("mixed", "dcgan", "cnn6", 3) == "mixed-dcgan-cnn6-3"


def test_replicates_groups_recipes_that_differ_in_seed_only() -> None:
    found = replicates([*RECIPES], RECIPES)
    assert found["dcgan"] == Replicate("dcgan", 0)
    assert found["dcgan-b"] == Replicate("dcgan", 1)
    assert found["dp-eps10"] == Replicate("dp-eps10", 0)


def test_parse_run_names_with_hyphens_round_trip() -> None:
    known = replicates([*RECIPES], RECIPES)
    for key in (
        RunKey("original", None, "cnn6-tuned", 1),
        RunKey("mixed", "dp-eps10", "cnn6-tuned", 2),
        RunKey("synthetic", "dp", "cnn6", 3),
        RunKey("synthetic", "dcgan-b", "cnn6", 3),
    ):
        assert parse_run(classifier_run(key.regime, key.generator, key.classifier, key.seed), known) == key
    assert parse_run("synthetic-dcgan-b-cnn6-3", known).regime_group == "synthetic-dcgan"


def test_run_order_keeps_the_seeds_of_a_replicate_together() -> None:
    known = replicates([*RECIPES], RECIPES)
    mixed = [f"mixed-{name}-cnn6-{seed}" for name in ("dcgan", "dcgan-b") for seed in (1, 2)]
    names = ["original-cnn6-1", *mixed]
    keys = [parse_run(name, known) for name in names]
    assert sorted(reversed(keys), key=lambda key: key.order) == keys
    assert len({key.order[:3] for key in keys}) == 2


@pytest.mark.parametrize("name", ["", "original", "mixed-vae-cnn6-1", "mixed-dcgan-cnn6-x", "other-cnn6-1"])
def test_parse_run_other_name_is_refused(name: str) -> None:
    with pytest.raises(PathgenError):
        parse_run(name, replicates([*RECIPES], RECIPES))


def test_pipeline_settings_repeated_value_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="generators"):
        PipelineSettings(**SETTINGS.model_dump() | {"generators": ["dcgan", "dcgan"]})


def test_prune_removes_only_what_is_not_in_the_settings(tmp_path: Path) -> None:
    keep = ["results/evaluate/original-cnn6-1", "models/gan/dcgan", "results/privacy/dcgan"]
    keep += ["results/gan/dp-eps10", "data/synthetic/dcgan", "results/on_synthetic/dp-eps10-cnn6-1"]
    drop = ["results/gan/dcgan-tumor", "models/gan/stylegan2", "results/privacy/stylegan2"]
    drop += ["results/evaluate/original-cnn6-3", "results/on_synthetic/vae-cnn6-1"]
    for name in keep + drop:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text("x")
    (tmp_path / "results/fidelity").mkdir()
    for name in ("dcgan.json", "stylegan2.json"):
        (tmp_path / "results/fidelity" / name).write_text("{}")
    (tmp_path / "results/evaluate/.gitignore").write_text("")
    removed = {str(path.relative_to(tmp_path)) for path in prune(SETTINGS, tmp_path)}
    assert removed == {*drop, "results/fidelity/stylegan2.json"}
    assert all((tmp_path / name / "file").exists() for name in keep)
    assert (tmp_path / "results/evaluate/.gitignore").exists()


def test_prune_empty_checkout_removes_nothing(tmp_path: Path) -> None:
    assert prune(SETTINGS, tmp_path) == []
