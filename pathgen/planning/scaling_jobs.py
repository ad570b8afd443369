"""The work of the scaling experiment, which has a pipeline of its own."""

from itertools import product

from pathgen.core.labels import LABELS
from pathgen.gan.settings import networks_of
from pathgen.planning.study import Study
from pathgen.planning.workload import Job, Sizes, patch_bytes, patches_per_role


def scaling_jobs(study: Study, sizes: Sizes) -> list[Job]:
    """Return one job per point of the curves, and one per generator for the patches that they share.

    Args:
        study: The settings.
        sizes: Bytes of its networks.

    Returns:
        Jobs of the group ``scaling``. Patches that an earlier run has drawn are counted again. With the
        first generator's patches stands the copy of its training set that a point keeps on the disk while
        it runs, at the largest size, once: points run one after the other.
    """
    settings, one = study.scaling, patch_bytes(study)
    steps, roles = settings.training.max_steps, patches_per_role(study.sample.per_class)
    looks = -(-steps // settings.training.validate_every_steps) + 1
    batches = {name: study.train_classifier.classifiers[name].batch_size for name in settings.classifiers}
    # As many as a point can see, half of them of each class.
    unlimited = steps * max(batches.values()) // len(LABELS)
    drawn = max(unlimited if size == "unlimited" else size for size in settings.synthetic_sizes)
    curves = {"original": settings.original_sizes} | dict.fromkeys(
        settings.generators, settings.synthetic_sizes
    )
    copied = max(drawn, *settings.original_sizes)
    points = [
        Job(
            f"scaling@{source}-{size}-{classifier}-{seed}",
            {
                f"{classifier} trained": steps * batches[classifier],
                f"{classifier} predicted": looks * roles["valid"] + roles["test"],
            },
            reads=(roles["valid"] + roles["test"]) * one,
        )
        for source, over in curves.items()
        for size, classifier, seed in product(over, settings.classifiers, settings.seeds)
    ]
    stores = [
        Job(
            f"scaling@{generator}",
            {f"{networks_of(generator)} drawn": drawn * len(LABELS)},
            reads=len(LABELS) * sizes.gans[networks_of(generator)],
            beside=(drawn + (0 if number else copied)) * len(LABELS) * one,
        )
        for number, generator in enumerate(settings.generators)
    ]
    return [*points, *stores]
