"""Every stage's work in numbers: images, patches, slides, and bytes read and written. Arithmetic alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from pathgen.classifier.mixing import mixed_counts
from pathgen.classifier.settings import ClassifierSettings, RegimeSettings
from pathgen.core.labels import LABELS
from pathgen.gan.settings import networks_of
from pathgen.patches.settings import PerClassSettings
from pathgen.planning.audit_work import audit_work
from pathgen.planning.slides import Slides
from pathgen.planning.study import Study
from pathgen.run_matrix import regime_name

# Of docs/scale.md: what is looked at of a slide before patches are read, and the tiles of a lonely patch.
_READ_PER_SLIDE = {"cohort": 10_000_000, "index": 7_000_000}
_READ_PER_PATCH = 79_000
# A slide's picture and candidates; kept once more with the finished slides.
_INDEX_BYTES_PER_SLIDE = 700_000


@dataclass(frozen=True)
class Job:
    """One stage of the pipeline.

    Attributes:
        stage: Its name in DVC, e.g. ``train_gan@dcgan-normal``.
        work: Name of a rate to how many units of it the stage takes.
        reads: Bytes of data.
        writes: Bytes of outputs that DVC keeps.
        beside: Bytes that it keeps elsewhere: finished slides, and the copy of a model in MLflow.
    """

    stage: str
    work: Mapping[str, float]
    reads: int = 0
    writes: int = 0
    beside: int = 0

    @property
    def group(self) -> str:
        """The stage without its item."""
        return self.stage.partition("@")[0]


@dataclass(frozen=True)
class Sizes:
    """Bytes of the weights: of a generator with its discriminator by networks, of a classifier by name."""

    gans: Mapping[str, int]
    classifiers: Mapping[str, int]


def patches_per_role(per_class: PerClassSettings) -> dict[str, int]:
    """Return how many patches each role gets, both classes together."""
    return {role: count * len(LABELS) for role, count in per_class.model_dump().items()}


def images_of_gan(kimg: float, batch_size: int) -> int:
    """Return how many originals a training shows: whole steps, so that at least `kimg` are shown."""
    return max(1, -int(-kimg * 1000 // batch_size)) * batch_size


def trained_patches(regime: str, originals: int, synthetic: int, settings: RegimeSettings) -> int:
    """Return how many patches a regime trains on in an epoch.

    Args:
        regime: ``original``, ``mixed`` or ``synthetic``.
        originals: Training patches of both classes.
        synthetic: Synthetic patches of both classes.
        settings: The part `regimes` of the section `train_classifier`.
    """
    if regime == "original":
        return originals
    if regime == "mixed":
        of_class = mixed_counts(originals // len(LABELS), settings.mixed_original, settings.mixed_synthetic)
        return len(LABELS) * sum(of_class)
    held_out = settings.valid_share_synthetic if settings.validate_on == "code" else None
    return synthetic - round(synthetic * (held_out or 0.0))


def trained_in_all(patches: int, settings: ClassifierSettings) -> int:
    """Return how many patches a classifier's training shows at most; patience may end it earlier.

    Args:
        patches: Of an epoch.
        settings: Its recipe.
    """
    shown = patches * settings.max_epochs
    return shown if settings.max_steps is None else min(shown, settings.max_steps * settings.batch_size)


def plan_jobs(study: Study, slides: Slides, sizes: Sizes) -> list[Job]:
    """Return all stages that a study has, in the order of the pipeline.

    Args:
        study: The settings.
        slides: What it begins with.
        sizes: Bytes of its networks.

    Returns:
        One job per stage. Where patience may end a training early, all of its epochs are counted.
    """
    return [
        *_patch_jobs(study, slides),
        *_generator_jobs(study, sizes),
        *_classifier_jobs(study, sizes),
        *_measuring_jobs(study, sizes),
    ]


def patch_bytes(study: Study) -> int:
    """Return the bytes of one patch on disk, RGB."""
    return study.extract.size_px**2 * 3


def _patch_jobs(study: Study, slides: Slides) -> Iterator[Job]:
    patches = sum(patches_per_role(study.sample.per_class).values())
    pixels = patches * patch_bytes(study)
    from_slides = study.cohort.source in ("phantom", "camelyon16", "slides")
    yield Job("check_params", {})
    opened = min(slides.size, slides.count * _READ_PER_SLIDE["cohort"])
    yield Job(
        "cohort",
        {"phantom pixels": slides.drawn_px} if slides.drawn_px else {"slides opened": slides.count},
        reads=0 if slides.drawn_px else opened,
        writes=slides.size if slides.drawn_px else 0,
    )
    kept = slides.count * _INDEX_BYTES_PER_SLIDE if from_slides else 0
    yield Job(
        "index",
        {"slides indexed": slides.count} if from_slides and not slides.drawn_px else {},
        reads=min(slides.size, slides.count * _READ_PER_SLIDE["index"]),
        writes=kept,
        beside=kept,
    )
    yield Job("sample", {})
    yield Job(
        "extract",
        {"patches read": patches},
        reads=min(slides.size, patches * _READ_PER_PATCH) if from_slides else pixels,
        writes=pixels,
        beside=pixels,
    )
    yield Job("survey", {"slides shown": slides.count}, reads=pixels + kept, writes=kept)


def _generator_jobs(study: Study, sizes: Sizes) -> Iterator[Job]:
    pipeline, per_class = study.pipeline, study.sample.per_class
    one, of_class = patch_bytes(study), per_class.train + per_class.valid

    def training(stage: str, generator: str, labels: int) -> Job:
        own, networks = study.train_gan.of(generator), networks_of(generator)
        model = labels * sizes.gans[networks]
        return Job(
            stage,
            {f"{networks} trained": images_of_gan(own.kimg, own.batch_size)},
            reads=labels * of_class * one,
            writes=model,
            beside=model,
        )

    for generator, label in product(pipeline.per_class_generators, pipeline.labels):
        yield training(f"train_gan@{generator}-{label}", generator, 1)
    for generator in pipeline.joint_generators:
        yield training(f"train_joint_gan@{generator}", generator, len(LABELS))
    for generator, label in product(pipeline.generators, pipeline.labels):
        networks = networks_of(generator)
        yield Job(
            f"synthesise@{generator}-{label}",
            {f"{networks} drawn": study.synthesise.per_class},
            reads=sizes.gans[networks],
            writes=study.synthesise.per_class * one,
        )


def _classifier_jobs(study: Study, sizes: Sizes) -> Iterator[Job]:
    pipeline, settings, one = study.pipeline, study.train_classifier, patch_bytes(study)
    roles = patches_per_role(study.sample.per_class)
    synthetic = study.synthesise.per_class * len(LABELS)

    def training(stage: str, regime: str, classifier: str) -> Job:
        recipe = settings.classifiers[classifier]
        patches = trained_patches(regime, roles["train"], synthetic, settings.regimes)
        shown, model = trained_in_all(patches, recipe), sizes.classifiers[classifier]
        # After every epoch, and once more with the weights of the best one.
        looks = -(-shown // patches) + 1
        return Job(
            stage,
            {
                f"{classifier} trained": shown,
                f"{classifier} predicted": roles["valid"] * looks,
            },
            reads=(patches + roles["valid"]) * one,
            writes=model,
            beside=model,
        )

    for classifier, seed in product(pipeline.classifiers, pipeline.seeds):
        yield training(f"train_original@{classifier}-{seed}", "original", classifier)
    for regime, generator, classifier, seed in product(
        pipeline.synthetic_regimes, pipeline.generators, pipeline.classifiers, pipeline.seeds
    ):
        item = f"{regime_name(regime, generator)}-{classifier}-{seed}"
        yield training(f"train_classifier@{item}", regime, classifier)
    for name, classifier, seed in product(pipeline.regimes, pipeline.classifiers, pipeline.seeds):
        yield Job(
            f"evaluate@{name}-{classifier}-{seed}",
            {f"{classifier} predicted": roles["test"]},
            reads=roles["test"] * one + sizes.classifiers[classifier],
        )
    for generator, classifier, seed in product(pipeline.generators, pipeline.classifiers, pipeline.seeds):
        yield Job(
            f"evaluate_on_synthetic@{generator}-{classifier}-{seed}",
            {f"{classifier} predicted": synthetic},
            reads=synthetic * one + sizes.classifiers[classifier],
        )


def _measuring_jobs(study: Study, sizes: Sizes) -> Iterator[Job]:
    one, per_class, labels = patch_bytes(study), study.sample.per_class, len(LABELS)
    roles = patches_per_role(per_class)
    synthetic = study.synthesise.per_class * labels
    described = labels * (
        min(study.fidelity.max_patches, per_class.train)
        + min(study.fidelity.max_patches, per_class.nonmember)
        + min(study.fidelity.max_patches, study.synthesise.per_class)
    )
    yield Job("baseline", {}, reads=(roles["train"] + roles["test"]) * one)
    for generator in study.pipeline.generators:
        yield Job(
            f"fidelity@{generator}",
            {"patches described": described},
            reads=(roles["train"] + roles["nonmember"] + synthetic) * one,
        )
    for generator in study.pipeline.generators:
        yield Job(
            f"privacy@{generator}",
            audit_work(study.privacy, per_class, study.synthesise.per_class, study.extract.size_px, labels),
            reads=(roles["train"] + roles["nonmember"] + roles["reference"] + synthetic) * one
            + labels * sizes.gans[networks_of(generator)],
        )
    yield Job("report", {}, reads=(roles["train"] + synthetic) * one)
