"""Names of matrix items, and the removal of results nobody asks for any more."""

from pathlib import Path

import pydantic
import pytest

from pathgen.core.labels import LABELS
from pathgen.run_matrix import PipelineSettings, classifier_run, kind_of, prune, regime_name

SETTINGS = PipelineSettings(
    generators=["dcgan", "cdcgan"],
    per_class_generators=["dcgan"],
    joint_generators=["cdcgan"],
    labels=["normal", "tumor"],
    classifiers=["cnn6"],
    synthetic_regimes=["mixed", "synthetic"],
    regimes=["original", "mixed-dcgan", "synthetic-dcgan", "mixed-cdcgan", "synthetic-cdcgan"],
    seeds=[1, 2],
)


def test_names() -> None:
    assert regime_name("original", None) == "original"
    assert classifier_run("mixed", "dcgan", "cnn6", 3) == "mixed-dcgan-cnn6-3"


def test_a_replicate_is_a_generator_of_its_own_and_of_the_same_kind() -> None:
    lists = {"generators": ["dcgan", "dcgan.2"], "per_class_generators": ["dcgan", "dcgan.2"]}
    regimes = ["original", "mixed-dcgan", "mixed-dcgan.2", "synthetic-dcgan", "synthetic-dcgan.2"]
    settings = (
        SETTINGS.model_copy(update={"joint_generators": []}).model_dump() | lists | {"regimes": regimes}
    )
    wanted = PipelineSettings(**settings).items_by_folder()
    assert wanted[Path("models/gan")] == {f"dcgan{n}-{label}" for n in ("", ".2") for label in LABELS}
    assert kind_of("dcgan.2") == kind_of("dcgan") == "dcgan"


@pytest.mark.parametrize("name", ["dcgan.1", "dcgan.0", "dcgan.02", "dcgan.", "dcgan-2", "other.2"])
def test_a_replicate_is_numbered_from_2(name: str) -> None:
    values = SETTINGS.model_dump() | {"generators": [name], "per_class_generators": [name]}
    with pytest.raises(pydantic.ValidationError, match="per_class_generators"):
        PipelineSettings(**values | {"joint_generators": []})


def test_only_items_that_are_not_asked_for_are_removed(tmp_path: Path) -> None:
    keep = ["results/evaluate/original-cnn6-1", "models/gan/dcgan-normal", "results/privacy/dcgan"]
    keep += ["models/gan/cdcgan-normal", "results/gan/cdcgan-all", "results/gan/dcgan-tumor"]
    drop = ["results/gan/cdcgan-normal", "results/gan/dcgan-all"]
    drop += ["results/evaluate/original-cnn6-3", "models/gan/stylegan2-normal", "results/privacy/stylegan2"]
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
    assert (tmp_path / "results/fidelity/dcgan.json").exists()
    assert (tmp_path / "results/evaluate/.gitignore").exists()
    assert not any((tmp_path / name).exists() for name in drop)


def test_nothing_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert prune(SETTINGS, tmp_path) == []
