"""Work of every stage of a study, counted from its settings alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from pathgen.classifier.mixing import mixed_counts
from pathgen.core.labels import LABELS
from pathgen.studies.tuning.overrides import tried_values
from pathgen.studies.tuning.settings import Dimension

Params = Mapping[str, Any]


@dataclass(frozen=True)
class StageWork:
    """Work of one stage.

    Attributes:
        stage: Name of the stage in DVC, e.g. ``train_gan@dcgan``.
        kind: Kind of work, e.g. ``train_gan dcgan``; stages of one kind take a time proportional to `units`.
        units: Amount of work, in pixels, patches or slides.
        output_bytes: Size of its outputs.
    """

    stage: str
    kind: str
    units: float = 1.0
    output_bytes: float = 0.0

    @property
    def group(self) -> str:
        """Name of the stage without its item."""
        return self.stage.partition("@")[0]


def stage_work(params: Params, slides: int) -> list[StageWork]:
    """Count the work of all stages of the pipeline.

    Args:
        params: Content of params.yaml.
        slides: Number of slides; of files where the source has no slides.

    Returns:
        One entry per stage. Trainings that may stop early are counted with all their epochs.
    """
    return [
        *_of_patches(params, slides),
        *_of_generators(params),
        *_of_classifiers(params),
        *_of_metrics(params),
    ]


def _pixels(params: Params) -> int:
    """Return the number of pixels of a patch."""
    return int(params["extract"]["size_px"]) ** 2


def _count(params: Params, *roles: str) -> int:
    """Return the number of original patches of some roles (all by default), of both classes."""
    per_class = params["sample"]["per_class"]
    return len(LABELS) * int(sum(per_class[role] for role in roles or per_class))


def _synthetic(params: Params) -> int:
    return len(LABELS) * int(params["synthesise"]["per_class"])


def _of_patches(params: Params, slides: int) -> Iterator[StageWork]:
    cohort, patches = params["cohort"], _count(params)
    phantom = cohort["source"] == "phantom"
    area = cohort["phantom"]["width_px"] * cohort["phantom"]["height_px"] if phantom else 1
    origin = "phantom" if phantom else "files"
    yield StageWork("check_params", "check_params")
    yield StageWork("cohort", f"cohort {origin}", slides * area)
    yield StageWork("index", f"index {origin}", slides * area)
    yield StageWork("sample", "sample")
    yield StageWork("extract", "extract", patches, patches * _pixels(params) * 3)
    yield StageWork("survey", "survey", slides)


def _recipe(params: Params, generator: str) -> Mapping[str, Any]:
    section = params["train_gan"]
    if "generators" in section:
        return dict(section["generators"][generator])
    network = generator.partition(".")[0].removeprefix("c") if generator.startswith("c") else generator
    return {"network": network, **section[network]}


def _capacity(recipe: Mapping[str, Any]) -> float:
    """Return a number to which the cost of a training step is about proportional."""
    return float(recipe.get("width") or recipe.get("channel_base") or 1) ** 2


def _of_generators(params: Params) -> Iterator[StageWork]:
    for generator in params["pipeline"]["generators"]:
        recipe = _recipe(params, generator)
        trainings = 1 if recipe.get("conditioning") == "joint" else len(LABELS)
        size = _pixels(params) * _capacity(recipe)
        yield StageWork(
            f"train_gan@{generator}",
            f"train_gan {recipe['network']}",
            trainings * recipe["kimg"] * 1000 * size,
        )
        yield StageWork(
            f"synthesise@{generator}",
            f"synthesise {recipe['network']}",
            _synthetic(params) * size,
            _synthetic(params) * _pixels(params) * 3,
        )


def _training(params: Params, classifier: str, patches: float) -> tuple[str, float]:
    """Return kind and units of a classifier's training on so many patches per epoch."""
    recipe = params["train_classifier"]["classifiers"][classifier]
    shown = patches * recipe["max_epochs"]
    if recipe.get("max_steps"):
        shown = min(shown, recipe["max_steps"] * recipe["batch_size"])
    return f"train {recipe['network']}", shown * _pixels(params)


def _regime_patches(params: Params, regime: str, synthetic: int) -> int:
    """Return the number of training patches per epoch."""
    if regime == "mixed":
        shares = params["train_classifier"]["regimes"]
        mixed = mixed_counts(
            params["sample"]["per_class"]["train"], shares["mixed_original"], shares["mixed_synthetic"]
        )
        return int(len(LABELS) * sum(mixed))
    return _count(params, "train") if regime == "original" else synthetic


def _of_classifiers(params: Params) -> Iterator[StageWork]:
    pipeline = params["pipeline"]
    classifiers, seeds, generators = pipeline["classifiers"], pipeline["seeds"], pipeline["generators"]
    regimes = pipeline.get("synthetic_regimes", pipeline["regimes"])
    for classifier, seed in product(classifiers, seeds):
        patches = _regime_patches(params, "original", 0)
        yield StageWork(f"train_original@{classifier}-{seed}", *_training(params, classifier, patches))
    for regime, generator, classifier, seed in product(regimes, generators, classifiers, seeds):
        patches = _regime_patches(params, regime, _synthetic(params))
        yield StageWork(
            f"train_classifier@{regime}-{generator}-{classifier}-{seed}",
            *_training(params, classifier, patches),
        )
    trainings = len(classifiers) * len(seeds)
    on_test = trainings * (1 + len(regimes) * len(generators)) * _count(params, "test")
    on_synthetic = trainings * len(generators) * _synthetic(params)
    yield StageWork("evaluate", "evaluate", (on_test + on_synthetic) * _pixels(params))
    yield StageWork("compare", "compare")


def _of_metrics(params: Params) -> Iterator[StageWork]:
    fidelity, privacy, per_class = params["fidelity"], params["privacy"], params["sample"]["per_class"]
    originals = min(
        privacy["max_originals"], per_class["train"], per_class["nonmember"], per_class["reference"]
    )
    audited = originals + min(privacy["max_synthetic"], params["synthesise"]["per_class"])
    for generator in params["pipeline"]["generators"]:
        sizes = (per_class["train"], per_class["nonmember"], params["synthesise"]["per_class"])
        yield StageWork(
            f"fidelity@{generator}", "fidelity", sum(min(size, fidelity["max_patches"]) for size in sizes)
        )
        # Pairs of patches, which outweigh the rest in large audits.
        yield StageWork(f"privacy@{generator}", "privacy", originals * audited * _pixels(params))
    yield StageWork("report", "report")


def scaling_work(params: Params) -> list[StageWork]:
    """Count the work of the scaling study: one entry per point."""
    scaling = params["scaling"]
    sizes = [("original", size) for size in scaling["original_sizes"]]
    sizes += [pair for pair in product(scaling["generators"], scaling["synthetic_sizes"])]
    steps = scaling["training"]["max_steps"]
    work = []
    for (source, size), classifier, seed in product(sizes, scaling["classifiers"], scaling["seeds"]):
        recipe = params["train_classifier"]["classifiers"][classifier]
        shown = steps * recipe["batch_size"] * _pixels(params)
        work.append(
            StageWork(f"scaling@{source}-{size}-{classifier}-{seed}", f"train {recipe['network']}", shown)
        )
    return work


def tuning_work(params: Params) -> list[StageWork]:
    """Count the most work of a search, by network: every trial, with the most patches and epochs.

    Args:
        params: Content of params.yaml.

    Returns:
        One entry per network in the search space, each with the work of all trials.
    """
    tuning = params["tuning"]
    space = [Dimension.model_validate(dimension) for dimension in tuning["space"]]
    base = params["train_classifier"]["classifiers"][tuning["classifier"]]

    def tried(field: str) -> list[Any]:
        path = f"train_classifier.classifiers.{tuning['classifier']}.{field}"
        return tried_values(space, path, base[field])

    synthetic = max(tried_values(space, "synthesise.per_class", params["synthesise"]["per_class"]))
    patches = _regime_patches(params, tuning["regime"], len(LABELS) * synthetic)
    shown = patches * max(tried("max_epochs")) * tuning["trials"] * len(tuning["seeds"]) * _pixels(params)
    return [StageWork("tuning", f"train {network}", shown) for network in dict.fromkeys(tried("network"))]
