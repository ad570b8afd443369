"""The arithmetic of a plan: images, patches and bytes of a known study."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from planned_study import CHECKOUT, SIZES, default_study, study_with

from pathgen.core.profiles import profile_names
from pathgen.planning.audit_work import audit_work
from pathgen.planning.rates import Rate, recorded_rates, seconds_of
from pathgen.planning.scaling_jobs import scaling_jobs
from pathgen.planning.slides import Slides, list_slides
from pathgen.planning.study import Study, find_profile, read_study
from pathgen.planning.sweep_jobs import sweep_jobs
from pathgen.planning.tuning_jobs import searched_classifiers, tuning_jobs
from pathgen.planning.workload import (
    Job,
    Sizes,
    images_of_gan,
    patches_per_role,
    plan_jobs,
    trained_in_all,
    trained_patches,
)
from pathgen.tracking.dvc_api import open_project, stage_names

# Each weighs one byte, whatever its name.
ANY_SIZES = Sizes(defaultdict(lambda: 1), defaultdict(lambda: 1))


def jobs_of(study: Study, sizes: Sizes = SIZES) -> dict[str, Job]:
    return {job.stage: job for job in plan_jobs(study, list_slides(study.cohort, CHECKOUT), sizes)}


def test_default_study_counts() -> None:
    jobs = jobs_of(default_study())
    # 50 kimg in steps of 16; 1,000 patches per class; 5 epochs, a look after each and one at the end.
    assert jobs["train_gan@dcgan-normal"].work == {"dcgan trained": 50_000}
    assert jobs["synthesise@dcgan-tumor"].work == {"dcgan drawn": 1_000}
    assert jobs["train_original@cnn6-1"].work == {"cnn6 trained": 10_000, "cnn6 predicted": 6 * 800}
    assert jobs["train_classifier@mixed-dcgan-cnn6-3"].work["cnn6 trained"] == 10_000
    assert jobs["evaluate@synthetic-dcgan-cnn6-2"].work == {"cnn6 predicted": 1_200}
    assert jobs["extract"].work == {"patches read": 5_600}
    assert jobs["cohort"].work == {"phantom pixels": 13 * 3072 * 3072}


def test_default_study_bytes() -> None:
    jobs = jobs_of(default_study())
    patch = 32 * 32 * 3
    assert jobs["extract"].writes == 5_600 * patch
    assert jobs["extract"].beside == 5_600 * patch, "the finished slides keep their patches"
    assert jobs["synthesise@dcgan-normal"].writes == 1_000 * patch
    assert jobs["train_gan@dcgan-normal"].writes == 1_000_000
    assert jobs["train_original@cnn6-1"].writes == 500_000
    assert jobs["train_original@cnn6-1"].reads == (2_000 + 800) * patch
    assert jobs["evaluate@original-cnn6-1"].reads == 1_200 * patch + 500_000


def test_names_are_those_of_dvc() -> None:
    with open_project(CHECKOUT) as project:
        known = set(stage_names(project))
    planned = set(jobs_of(read_study(CHECKOUT / "params.yaml"), ANY_SIZES))
    assert planned <= known
    # What little the others do is the start and end of a stage.
    assert {name.partition("@")[0] for name in known - planned} <= {"compare"}


def test_joint_generator_keeps_two_models() -> None:
    study = study_with(
        {
            "pipeline.generators": ["cdcgan"],
            "pipeline.per_class_generators": [],
            "pipeline.joint_generators": ["cdcgan"],
            "scaling.generators": ["cdcgan"],
            "tuning.generator": "cdcgan",
            "pipeline.regimes": ["original", "mixed-cdcgan", "synthetic-cdcgan"],
        }
    )
    jobs = jobs_of(study)
    assert jobs["train_joint_gan@cdcgan"].writes == 2_000_000
    assert jobs["train_joint_gan@cdcgan"].work == {"dcgan trained": 50_000}
    assert "train_gan@cdcgan-normal" not in jobs
    assert jobs["synthesise@cdcgan-normal"].work == {"dcgan drawn": 1_000}


def test_last_step_completes_the_images() -> None:
    assert images_of_gan(0.02, 16) == 32
    assert images_of_gan(0.001, 16) == 16
    assert images_of_gan(14003.2, 256) == 14_003_200


def test_regimes_train_on() -> None:
    regimes = default_study().train_classifier.regimes
    assert trained_patches("original", 100, 40, regimes) == 100
    assert trained_patches("mixed", 100, 40, regimes) == 100
    assert trained_patches("mixed", 100, 40, regimes.model_copy(update={"mixed_synthetic": 1.0})) == 150
    assert trained_patches("synthetic", 100, 40, regimes) == 40
    held_out = {"validate_on": "code", "valid_share_synthetic": 0.25}
    assert trained_patches("synthetic", 100, 40, regimes.model_copy(update=held_out)) == 30


def test_steps_limit_what_is_shown() -> None:
    recipe = default_study().train_classifier.classifiers["cnn6"]
    assert trained_in_all(2_000, recipe) == 10_000
    assert trained_in_all(2_000, recipe.model_copy(update={"max_steps": 10})) == 10 * recipe.batch_size


def test_patches_per_role_count_both_classes() -> None:
    per_class = default_study().sample.per_class
    assert patches_per_role(per_class)["nonmember"] == 800


def test_slides_cost_reading_not_drawing() -> None:
    study = study_with({"cohort.source": "camelyon16", "cohort.root": "nowhere"})
    jobs = {job.stage: job for job in plan_jobs(study, Slides(400, 400 * 1_750_000_000), SIZES)}
    assert jobs["cohort"].work == {"slides opened": 400}
    assert jobs["cohort"].reads == 400 * 10_000_000
    assert jobs["cohort"].writes == 0
    assert jobs["index"].work == {"slides indexed": 400}
    assert jobs["extract"].reads == 5_600 * 79_000


def test_missing_data_is_named_with_its_cure() -> None:
    study = study_with({"cohort.source": "camelyon16", "cohort.root": "nowhere"})
    slides = list_slides(study.cohort, CHECKOUT)
    assert slides.count == 0
    assert "nowhere: no such folder. Set cohort.root" in str(slides.problem)


@pytest.mark.parametrize("source", ["camelyon16", "slides"])
def test_slides_are_listed_without_opening(source: str, tmp_path: Path) -> None:
    root = tmp_path
    (root / "training/normal").mkdir(parents=True)
    for name in ("normal_001", "normal_002"):
        (root / f"training/normal/{name}.tif").write_bytes(b"not a slide")
    (root / "slides.csv").write_text(
        "slide,label\ntraining/normal/normal_001.tif,normal\ntraining/normal/normal_002.tif,normal\n"
    )
    study = study_with(
        {
            "cohort.source": source,
            "cohort.root": str(root),
            "cohort.exclude_slides": ["normal_002"],
            "cohort.slides": {"table": "slides.csv"},
        }
    )
    assert list_slides(study.cohort, CHECKOUT) == Slides(1, 11)


def test_a_slide_of_the_table_without_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "one.tif").write_bytes(b"not a slide")
    (tmp_path / "slides.csv").write_text(
        f"slide,label\none.tif,normal\ngone/two.tif,tumor\n{tmp_path}/three.tif,tumor\nleft_out.tif,tumor\n"
    )
    changes = {"cohort.root": str(tmp_path), "cohort.exclude_slides": ["left_out"]}
    study = study_with({"cohort.source": "slides", "cohort.slides": {"table": "slides.csv"}, **changes})
    assert list_slides(study.cohort, CHECKOUT) == Slides(1, 11, missing=("gone/two.tif", "three.tif"))


def test_every_profile_can_be_planned() -> None:
    for name in profile_names():
        study = read_study(find_profile(name, CHECKOUT))
        assert plan_jobs(study, list_slides(study.cohort, CHECKOUT), ANY_SIZES), name


def test_scaling_trains_every_point_alike_and_draws_once() -> None:
    study = study_with(
        {
            "scaling.generators": ["dcgan"],
            "scaling.classifiers": ["cnn6"],
            "scaling.seeds": [1, 2],
            "scaling.original_sizes": [10, 100],
            "scaling.synthetic_sizes": [10, 300, "unlimited"],
            "scaling.training": {"max_steps": 100, "validate_every_steps": 30, "order_seed": 1},
        }
    )
    batch = study.train_classifier.classifiers["cnn6"].batch_size
    jobs = {job.stage: job for job in scaling_jobs(study, SIZES)}
    assert len(jobs) == (2 + 3) * 2 + 1
    expected = {"cnn6 trained": 100 * batch, "cnn6 predicted": 5 * 800 + 1_200}
    assert jobs["scaling@dcgan-unlimited-cnn6-2"].work == expected
    assert jobs["scaling@original-10-cnn6-1"].work == expected
    # Unlimited is as many as a point can see; the smaller sizes take the first of them.
    assert jobs["scaling@dcgan"].work == {"dcgan drawn": 100 * batch}
    # In the store, and once more as the training set of the largest point.
    assert jobs["scaling@dcgan"].beside == 2 * 100 * batch * 32 * 32 * 3
    more = {"generators": ["dcgan", "dcgan.2"], "original_sizes": [10, 100], "synthetic_sizes": [10, 30]}
    study = replace(study, scaling=study.scaling.model_copy(update=more))
    jobs = {job.stage: job for job in scaling_jobs(study, SIZES)}
    assert jobs["scaling@dcgan"].beside == (30 + 100) * 2 * 32 * 32 * 3, "the largest size is of originals"
    assert jobs["scaling@dcgan.2"].beside == 30 * 2 * 32 * 32 * 3, "points run one after the other"


def test_a_sweep_trains_both_classes_in_private_and_attacks_at_every_point() -> None:
    study = study_with(
        {
            "dp_sweep.epsilons": [1.0, "unlimited"],
            "dp_sweep.seeds": [1, 2],
            "dp_sweep.training": {"max_steps": 100, "validate_every_steps": 30},
            "train_gan.dpdcgan.kimg": 1.0,
            "train_gan.dpdcgan.batch_size": 64,
            "synthesise.per_class": 500,
        }
    )
    jobs = {job.stage: job.work for job in sweep_jobs(study)}
    assert set(jobs) == {f"dp_sweep@{point}" for point in ("1.0-1", "1.0-2", "unlimited-1", "unlimited-2")}
    work = jobs["dp_sweep@1.0-2"]
    assert (work["dpdcgan trained"], work["dpdcgan drawn"]) == (2 * 1024, 1000)
    assert work["cnn6 trained"] == 100 * study.train_classifier.classifiers["cnn6"].batch_size
    audited = audit_work(study.privacy, study.sample.per_class, 500, study.extract.size_px, 2)
    for name in ("pixels compared", "pixels shifted", "patches described"):
        assert 0 < work[name] < audited[name], "an audit has controls beside"


def test_a_search_is_counted_with_its_dearest_network_to_the_end() -> None:
    tuned = "train_classifier.classifiers.cnn6-tuned"
    study = study_with(
        {
            "tuning.trials": 3,
            "tuning.seeds": [1, 2],
            "tuning.space": [
                {"field": f"{tuned}.network", "choices": ["cnn6", "resnet18"]},
                {"field": f"{tuned}.max_epochs", "low": 2, "high": 7},
                {"field": f"{tuned}.augment", "choices": ["d4_stain", "none"]},
                {"field": tuned, "variants": {"a": {"batch_size": 64}, "b": {"batch_size": 16}}},
                {"field": "synthesise.per_class", "choices": [500, 3000]},
            ],
        }
    )
    recipes = searched_classifiers(study)
    assert {name: recipe.network for name, recipe in recipes.items()} == {
        "cnn6-tuned with cnn6": "cnn6",
        "cnn6-tuned with resnet18": "resnet18",
    }
    assert {(one.max_epochs, one.batch_size, one.augment) for one in recipes.values()} == {
        (7, 16, "d4_stain")
    }
    rates = {
        f"{name} {done}": Rate(10.0 if "resnet18" in name else 1000.0, "measured")
        for name in recipes
        for done in ("trained", "predicted")
    }
    jobs = {job.stage: job for job in tuning_jobs(study, rates)}
    # Two seeds of seven epochs on 2 x 3,000 patches, looked at after each and once more.
    work = {
        "cnn6-tuned with resnet18 trained": 2 * 7 * 6_000,
        "cnn6-tuned with resnet18 predicted": 2 * 8 * 800,
    }
    assert set(jobs) == {"tuning@1", "tuning@2", "tuning@3"}
    assert jobs["tuning@3"].work == work
    assert jobs["tuning@1"].work == {**work, "dcgan drawn": 6_000}
    assert jobs["tuning@1"].beside == 6_000 * 32 * 32 * 3


def test_a_search_on_original_patches_draws_none_and_steps_limit_it() -> None:
    tuned = "train_classifier.classifiers.cnn6-tuned"
    space = [{"field": f"{tuned}.batch_size", "choices": [8, 32]}]
    changes = {"tuning.regime": "original", "tuning.trials": 1, "tuning.seeds": [1], f"{tuned}.max_steps": 50}
    study = study_with({**changes, "tuning.space": space})
    (name,) = searched_classifiers(study)
    rates = {f"{name} {done}": Rate(1.0, "measured") for done in ("trained", "predicted")}
    (job,) = tuning_jobs(study, rates)
    assert job.work == {f"{name} trained": 50 * 32, f"{name} predicted": 2 * 800}
    assert job.beside == 0


def test_an_audit_compares_in_eight_positions_at_the_price_of_two() -> None:
    work = jobs_of(default_study())["privacy@dcgan"].work
    # Synthetic, reference, copies, by heart, shrunken, three times 53 copies; 400 members, 400 non-members.
    seen = 1_000 + 400 + 400 + 200 + 200 + 3 * 53
    assert work["pixels compared"] == pytest.approx(2 * 32**2 * seen * 800 * (1.9 + 1.3 + 1.4))
    assert work["pixels shifted"] == 2 * 32**2 * 6 * 2 * (seen + 9 * 400)
    assert work["pixels learnt"] == 2 * 32**2 * (2 * 32 * 300 + 3 * 16 * 200)
    assert work["patches described"] == 2 * (seen + 800)
    upright = study_with(
        {"privacy.symmetries": "identity", "privacy.max_shift_px": 0, "privacy.shadow_steps": 0}
    )
    less = jobs_of(upright)["privacy@dcgan"].work
    assert less["pixels compared"] == pytest.approx(2 * 32**2 * (seen - 53) * 800 * (1.0 + 1.3))
    assert less["pixels shifted"] == 0


def test_an_audit_takes_about_as_long_as_one_did() -> None:
    """48 processor seconds at the default size; on four idle cores, of which some parts use one."""
    work = jobs_of(default_study())["privacy@dcgan"].work
    assert 15 < seconds_of(work, recorded_rates(4), 0.0) < 48
