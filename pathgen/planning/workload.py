"""Work of every stage of a study, counted from its settings alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from pathgen.classifier.settings import mixed_counts
from pathgen.core.labels import LABELS
from pathgen.run_matrix import control_seeds
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
    """

    stage: str
    kind: str
    units: float = 1.0

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
    phantom = params["cohort"].get("phantom")
    area = phantom["width_px"] * phantom["height_px"] if phantom else 1
    origin = "phantom" if phantom else "files"
    return [
        StageWork("check_params", "check_params"),
        StageWork("cohort", f"cohort {origin}", slides * area),
        StageWork("index", f"index {origin}", slides * area),
        StageWork("sample", "sample"),
        StageWork("extract", "extract", originals(params)),
        StageWork("survey", "survey", slides),
        StageWork("controls", "controls", len(params["pipeline"]["controls"]) * synthetics(params)),
        *_generator_work(params),
        *_classifier_work(params),
        StageWork("report", "report"),
    ]


def originals(params: Params, *roles: str) -> int:
    """Return the number of original patches of both classes, of all roles by default."""
    per_class = params["sample"]["per_class"]
    return len(LABELS) * int(sum(per_class[role] for role in roles or per_class))


def synthetics(params: Params) -> int:
    """Return the number of patches of one generator's synthetic set."""
    return len(LABELS) * int(params["synthesise"]["per_class"])


def _pixels(params: Params) -> int:
    return int(params["extract"]["size_px"]) ** 2


def _generator_work(params: Params) -> Iterator[StageWork]:
    pixels, privacy = _pixels(params), params["privacy"]
    per_class, synthetic = params["sample"]["per_class"], params["synthesise"]["per_class"]
    sets = (per_class["train"], per_class["nonmember"], synthetic)
    described = sum(min(size, params["fidelity"]["max_patches"]) for size in sets)
    audited = min(
        privacy["max_originals"], *(per_class[role] for role in ("train", "nonmember", "reference"))
    )
    pairs = audited * (audited + min(privacy["max_synthetic"], synthetic))
    for generator in params["pipeline"]["generators"]:
        recipe = params["train_gan"]["generators"][generator]
        network = recipe["network"]
        replicates = params["pipeline"]["replicates"]
        trainings = replicates * (1 if recipe.get("conditioning") == "joint" else len(LABELS))
        # The cost of an image is about proportional to its pixels and to the square of the width.
        image = pixels * float(recipe.get("width") or recipe.get("channel_base") or 1) ** 2
        shown = trainings * recipe["kimg"] * 1000
        yield StageWork(f"train_gan@{generator}", f"train_gan {network}", shown * image)
        yield StageWork(
            f"synthesise@{generator}", f"synthesise {network}", replicates * synthetics(params) * image
        )
        yield StageWork(f"fidelity@{generator}", "fidelity", replicates * described)
        yield StageWork(f"privacy@{generator}", "privacy", replicates * pairs * pixels)


def _training(params: Params, classifier: str, regime: str, synthetic: int) -> tuple[str, float]:
    """Return kind and units of one training of a classifier."""
    shares = params["train_classifier"]["regimes"]
    patches = originals(params, "train") if regime == "original" else synthetic
    if regime == "mixed":
        per_class = params["sample"]["per_class"]["train"]
        patches = len(LABELS) * sum(
            mixed_counts(per_class, shares["mixed_original"], shares["mixed_synthetic"])
        )
    recipe = params["train_classifier"]["classifiers"][classifier]
    shown = patches * recipe["max_epochs"]
    if recipe.get("max_steps"):
        shown = min(shown, recipe["max_steps"] * recipe["batch_size"])
    return f"train {recipe['network']}", shown * _pixels(params)


def _classifier_work(params: Params) -> Iterator[StageWork]:
    lists, synthetic = params["pipeline"], synthetics(params)
    sets = list(product(lists["regimes"], lists["generators"]))
    seeds = len(lists["seeds"])
    for classifier in lists["classifiers"]:
        kind, shown = _training(params, classifier, "original", 0)
        yield StageWork(f"train_original@{classifier}", kind, seeds * shown)
    for (regime, generator), classifier in product(sets, lists["classifiers"]):
        kind, shown = _training(params, classifier, regime, synthetic)
        yield StageWork(f"train_classifier@{regime}-{generator}-{classifier}", kind, seeds * shown)
    on_controls = sum(len(control_seeds(control, lists["seeds"])) for control in lists["controls"])
    for classifier in lists["classifiers"]:
        kind, shown = _training(params, classifier, "synthetic", synthetic)
        yield StageWork(f"train_control@{classifier}", kind, on_controls * shown)
    runs = seeds * (1 + len(sets)) + on_controls
    on_test = runs * originals(params, "test")
    predicted = len(lists["classifiers"]) * (on_test + seeds * len(lists["generators"]) * synthetic)
    yield StageWork("evaluate", "evaluate", predicted * _pixels(params))
    yield StageWork("compare", "compare")
    yield StageWork("verdict", "verdict")


def scaling_work(params: Params) -> list[StageWork]:
    """Count the work of the scaling study: one entry per classifier, with the work of all its points."""
    scaling = params["scaling"]
    sizes = len(scaling["original_sizes"]) + len(scaling["generators"]) * len(scaling["synthetic_sizes"])
    steps = sizes * len(scaling["seeds"]) * scaling["training"]["max_steps"]
    recipes = [params["train_classifier"]["classifiers"][name] for name in scaling["classifiers"]]
    return [
        StageWork("scaling", f"train {recipe['network']}", steps * recipe["batch_size"] * _pixels(params))
        for recipe in recipes
    ]


def tuning_work(params: Params) -> list[StageWork]:
    """Count the most work of a search, as if all trials were complete: one entry per network."""
    tuning = params["tuning"]
    space = [Dimension.model_validate(dimension) for dimension in tuning["space"]]
    base = params["train_classifier"]["classifiers"][tuning["classifier"]]

    def tried(field: str) -> list[Any]:
        return tried_values(params, space, f"train_classifier.classifiers.{tuning['classifier']}.{field}")

    synthetic = len(LABELS) * max(tried_values(params, space, "synthesise.per_class"))
    _, units = _training(params, tuning["classifier"], tuning["regime"], synthetic)
    units *= max(tried("max_epochs")) / base["max_epochs"] * tuning["trials"] * len(tuning["seeds"])
    return [StageWork("tuning", f"train {network}", units) for network in dict.fromkeys(tried("network"))]
