"""The most work that the search for classifier settings may take, which has a pipeline of its own."""

from collections.abc import Mapping
from typing import Any, get_args

from pathgen.classifier.settings import Augment, ClassifierSettings
from pathgen.core.labels import LABELS
from pathgen.gan.settings import networks_of
from pathgen.planning.rates import Rate, seconds_of
from pathgen.planning.study import Study
from pathgen.planning.workload import Job, patch_bytes, patches_per_role, trained_in_all, trained_patches
from pathgen.studies.tuning.overrides import tried_values

_AUGMENTS = get_args(Augment)  # each costs more than the one before


def searched_classifiers(study: Study) -> dict[str, ClassifierSettings]:
    """Return the dearest recipe of each network that a trial may train.

    Args:
        study: The settings.

    Returns:
        What its rates are called to the recipe: most epochs, smallest batch, most augmentation.
    """
    named = study.tuning.classifier
    base = study.train_classifier.classifiers[named]

    def tried(field: str) -> list[Any]:
        whole = f"train_classifier.classifiers.{named}.{field}"
        return tried_values(study.tuning.space, whole, getattr(base, field))

    limits = tried("max_steps")
    dearest = {
        "max_epochs": max(tried("max_epochs")),
        "max_steps": None if None in limits else max(limits),
        # Small batches are slow; where steps are counted large ones show more.
        "batch_size": min(tried("batch_size")) if None in limits else max(tried("batch_size")),
        "augment": max(tried("augment"), key=_AUGMENTS.index),
    }
    return {
        f"{named} with {network}": base.model_copy(update={**dearest, "network": network})
        for network in tried("network")
    }


def tuning_jobs(study: Study, rates: Mapping[str, Rate]) -> list[Job]:
    """Return one job of the group ``tuning`` per trial: all seeds and epochs of the dearest network.

    Args:
        study: The settings.
        rates: Units per second, by name; those of `searched_classifiers` among them.

    Returns:
        The jobs, each of the same work; the first one draws the synthetic patches, too. An upper bound:
        trials are given up early, patience ends trainings, and drawn patches are kept.
    """
    settings, roles = study.tuning, patches_per_role(study.sample.per_class)
    drawn = len(LABELS) * max(
        tried_values(settings.space, "synthesise.per_class", study.synthesise.per_class)
    )
    regimes = study.train_classifier.regimes
    largest = {
        share: max(tried_values(settings.space, f"train_classifier.regimes.{share}", getattr(regimes, share)))
        for share in ("mixed_original", "mixed_synthetic")
    }
    patches = trained_patches(settings.regime, roles["train"], drawn, regimes.model_copy(update=largest))

    def trial(name: str, recipe: ClassifierSettings) -> dict[str, float]:
        shown = trained_in_all(patches, recipe)
        looks = -(-shown // patches) + 1
        seeds = len(settings.seeds)
        return {f"{name} trained": seeds * shown, f"{name} predicted": seeds * looks * roles["valid"]}

    works = [trial(name, recipe) for name, recipe in searched_classifiers(study).items()]
    work = max(works, key=lambda one: seconds_of(one, rates, 0.0))
    jobs = [Job(f"tuning@{number}", work) for number in range(1, settings.trials + 1)]
    if settings.regime != "original":
        drawing = {f"{networks_of(settings.generator)} drawn": drawn}
        jobs[0] = Job(jobs[0].stage, {**work, **drawing}, beside=drawn * patch_bytes(study))
    return jobs
