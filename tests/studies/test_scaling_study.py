"""Subsets and jobs of the scaling study: adding a size computes only its points."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core.errors import PathgenError
from pathgen.core.params import parse_section
from pathgen.core.profiles import read_profile
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings
from pathgen.jobs.job import Job
from pathgen.studies.scaling.point import first_originals, in_one_file, recipe_of_points
from pathgen.studies.scaling.scaling_study import ScalingStudy
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.tuning.overrides import with_fields
from pathgen.training.settings import ComputeSettings

IMAGES = {
    label: np.random.default_rng(number).integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
    for number, label in enumerate(("normal", "tumor"))
}


def test_first_originals_smaller_set_begins_the_larger() -> None:
    small, large = (first_originals(IMAGES, count, order_seed=1, seed=3) for count in (5, 40))
    for label, images in large.items():
        assert np.array_equal(small[label], images[:5])
        assert {image.tobytes() for image in images} == {image.tobytes() for image in IMAGES[label]}
        assert not np.array_equal(images, IMAGES[label])
        assert not np.array_equal(images, first_originals(IMAGES, 40, order_seed=2, seed=3)[label])


def test_first_originals_differ_between_seeds() -> None:
    one, two = (first_originals(IMAGES, 5, order_seed=1, seed=seed) for seed in (1, 2))
    for label in IMAGES:
        first, second = ({image.tobytes() for image in taken[label]} for taken in (one, two))
        assert len(first) == len(second) == 5
        assert first != second


def test_first_originals_too_many_is_refused() -> None:
    with pytest.raises(PathgenError, match="40"):
        first_originals(IMAGES, 41, order_seed=1, seed=1)


def test_in_one_file_holds_both_classes(tmp_path: Path) -> None:
    both = in_one_file(IMAGES, tmp_path / "new" / "set")
    assert np.array_equal(both.images, np.concatenate([IMAGES["normal"], IMAGES["tumor"]]))
    assert both.classes.tolist() == [0] * 40 + [1] * 40


PARAMS = read_profile("phantom")
(CLASSIFIER,) = PARAMS["scaling"]["classifiers"]


def study(changes: dict[str, Any] | None = None) -> ScalingStudy:
    params = with_fields(PARAMS, changes or {})
    return ScalingStudy(
        settings=parse_section(params, "scaling", ScalingSettings),
        gans=parse_section(params, "train_gan", TrainGanSettings),
        classifiers=parse_section(params, "train_classifier", TrainClassifierSettings),
        sampling=parse_section(params, "synthesise", SynthesiseSettings),
        compute=parse_section(params, "compute", ComputeSettings),
        threshold=params["evaluate"]["threshold"],
        device="cpu",
    )


def test_recipe_of_points_replaces_steps_and_learning_rate() -> None:
    training, recipe = study().settings.training, study().classifiers.of(CLASSIFIER)
    own = recipe_of_points(recipe, training.model_copy(update={"learning_rate": None}))
    assert (own.learning_rate, own.max_steps) == (recipe.learning_rate, training.max_steps)
    changed = recipe_of_points(recipe, training.model_copy(update={"learning_rate": 0.5}))
    assert (changed.learning_rate, changed.momentum) == (0.5, recipe.momentum)


@pytest.fixture(autouse=True)
def empty_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def keys(of: ScalingStudy) -> dict[str, str]:
    return {job.name: job.key.digest for job in of.jobs(print)}


def test_points_are_unique_and_named_as_the_files() -> None:
    names = [point.name for point in study().points()]
    assert len(set(names)) == len(names)
    assert {f"original-500-{CLASSIFIER}-1", f"dcgan-unlimited-{CLASSIFIER}-3"} <= set(names)


def test_jobs_another_size_changes_no_other_point() -> None:
    more = [7, *PARAMS["scaling"]["synthetic_sizes"]]
    before, after = keys(study()), keys(study({"scaling.synthetic_sizes": more}))
    assert before.items() < after.items()
    assert {name.split("-")[1] for name in after.keys() - before.keys()} == {"7"}


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ("scaling.training.max_steps", 9999, {"original", "dcgan"}),
        ("evaluate.threshold", 0.4, {"original", "dcgan"}),
        (f"train_classifier.classifiers.{CLASSIFIER}.momentum", 0.5, {"original", "dcgan"}),
        ("synthesise.seed", 99, {"dcgan"}),
        ("synthesise.per_class", 99, set()),
        ("scaling.confidence", 0.8, set()),
        ("train_classifier.classifiers.cnn6-tuned.momentum", 0.5, set()),
    ],
)
def test_jobs_setting_changes_the_points_that_it_shapes(path: str, value: object, changed: set[str]) -> None:
    before, after = keys(study()), keys(study({path: value}))
    assert {name.split("-")[0] for name in before if before[name] != after[name]} == changed


def test_jobs_code_of_sampling_is_in_the_key_of_synthetic_points_only() -> None:
    code = {job.name.split("-")[0]: job.key.code for job in study().jobs(print)}
    sampling = "pathgen/gan/sample_cache.py"
    assert sampling in code["dcgan"] and sampling not in code["original"]
    generators = {name for name in code["dcgan"] if name.startswith("pathgen/gan/generators/")}
    assert "pathgen/gan/generators/dcgan.py" in generators
    assert not any("stylegan2" in name or "dpdcgan" in name for name in generators)
    for hashes in code.values():
        assert {
            "pathgen/classifier/classifier_loop.py",
            "pathgen/classifier/networks/cnn6.py",
        } <= hashes.keys()


def test_jobs_are_sent_to_other_processes_unchanged() -> None:
    jobs = study().jobs(print)
    again: list[Job] = pickle.loads(pickle.dumps(jobs))
    assert [job.key.digest for job in again] == [job.key.digest for job in jobs]


def test_largest_set_is_what_unlimited_stands_for() -> None:
    steps = PARAMS["scaling"]["training"]["max_steps"]
    batch_size = PARAMS["train_classifier"]["classifiers"][CLASSIFIER]["batch_size"]
    assert study().largest_set() == steps * batch_size // 2
