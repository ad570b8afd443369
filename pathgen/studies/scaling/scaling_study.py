"""The points of the study as jobs: adding a size computes only its points."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core import layout
from pathgen.core.labels import LABELS
from pathgen.core.params import PARAMS_FILE
from pathgen.gan.settings import SynthesiseSettings, TrainGanSettings
from pathgen.jobs.job import Job
from pathgen.provenance.cache_key import CacheKey, file_hashes, library_versions
from pathgen.provenance.code_hash import PLUGINS, code_manifest
from pathgen.studies.scaling.point import LoadPatches, OpenRun, Point, TrainPoint, load_originals
from pathgen.studies.scaling.settings import ORIGINAL, UNLIMITED, ScalingSettings
from pathgen.studies.synthetic_sample import sample_synthetic
from pathgen.training.settings import ComputeSettings

_PATCHES = (layout.TRAIN, layout.VALID, layout.TEST)


def points(settings: ScalingSettings) -> list[Point]:
    """Return all points of the curves, sorted by name."""
    places = [
        *((ORIGINAL, size) for size in settings.original_sizes),
        *product(settings.generators, settings.synthetic_sizes),
    ]
    found = [
        Point(source, str(size), classifier, seed)
        for source, size in places
        for classifier in settings.classifiers
        for seed in settings.seeds
    ]
    return sorted(found, key=lambda point: point.name)


@dataclass(frozen=True)
class ScalingStudy:
    """Settings of all points.

    Attributes:
        settings: Section ``scaling``.
        gans: Section ``train_gan``.
        classifiers: Section ``train_classifier``.
        sampling: Section ``synthesise``.
        compute: Section ``compute``.
        threshold: ``evaluate.threshold``.
        device: Type of the device, e.g. ``cpu``.
    """

    settings: ScalingSettings
    gans: TrainGanSettings
    classifiers: TrainClassifierSettings
    sampling: SynthesiseSettings
    compute: ComputeSettings
    threshold: float
    device: str

    def count(self, point: Point) -> int:
        """Return the number of training patches per class of a point.

        ``unlimited`` stands for as many as the steps can show without showing one twice.
        """
        if point.size != UNLIMITED:
            return int(point.size)
        shown = self.settings.training.max_steps * self.classifiers.of(point.classifier).batch_size
        return math.ceil(shown / len(LABELS))

    def largest_set(self) -> int:
        """Return the largest number of synthetic patches per class that any point needs."""
        return max(self.count(point) for point in points(self.settings) if point.source != ORIGINAL)

    def jobs(self, open_run: OpenRun) -> list[Job]:
        """Return one job per point.

        Args:
            open_run: Opens the record of a point; picklable.
        """
        patches = file_hashes(*_PATCHES)
        models = {
            generator: file_hashes(*layout.gan_models(generator).values())
            for generator in self.settings.generators
        }
        manifest = cache(code_manifest)  # Parsing the code takes longer than all the rest.
        jobs = []
        for point in points(self.settings):
            original = point.source == ORIGINAL
            work = TrainPoint(
                point=point,
                per_class=self.count(point),
                load_patches=self._load(point),
                recipe=self.classifiers.of(point.classifier),
                training=self.settings.training,
                threshold=self.threshold,
                compute=self.compute,
                open_run=open_run,
            )
            key = self._key(work, patches if original else {**patches, **models[point.source]}, manifest)
            jobs.append(Job(point.name, key, work))
        return jobs

    def _load(self, point: Point) -> LoadPatches:
        count, training = self.count(point), self.settings.training
        if point.source == ORIGINAL:
            return partial(load_originals, count=count, order_seed=training.order_seed, seed=point.seed)
        return partial(
            sample_synthetic,
            generator=point.source,
            count=count,
            sampling=self.sampling,
            compute=self.compute,
        )

    def _key(
        self, work: TrainPoint, inputs: Mapping[str, str], manifest: Callable[..., dict[str, str]]
    ) -> CacheKey:
        original = work.point.source == ORIGINAL
        modules = [TrainPoint.__module__, f"{PLUGINS['classifiers']}.{work.recipe.network}"]
        if not original:
            network = self.gans.recipe(work.point.source).network
            modules += [sample_synthetic.__module__, f"{PLUGINS['generators']}.{network}"]
        settings: dict[str, Any] = {
            "point": vars(work.point),
            "per_class": work.per_class,
            "recipe": work.recipe.model_dump(),
            "training": work.training.model_dump(),
            "threshold": work.threshold,
            "compute": {**work.compute.model_dump(), "device": self.device},
        }
        if not original:
            # The size of the study's own synthetic set changes no patch of these.
            settings["sampling"] = self.sampling.model_dump(exclude={"per_class", "batch_size"})
        return CacheKey(settings, inputs, manifest(*modules), library_versions("numpy", "torch"))


def input_folders(settings: ScalingSettings) -> list[Path]:
    """Return the folders that the study reads."""
    models = [model for name in settings.generators for model in layout.gan_models(name).values()]
    return [*_PATCHES, *models]


def input_names(settings: ScalingSettings) -> list[str]:
    """Return the names, as in `pathgen.provenance.made_from`, of settings and code that shape a point."""
    recipes = [f"train_classifier.classifiers.{name}" for name in settings.classifiers]
    sampling = [f"synthesise.{name}" for name in ("seed", "best_of")]
    return [
        *(
            f"{PARAMS_FILE}: {path}"
            for path in ("scaling", *recipes, *sampling, "evaluate.threshold", "compute")
        ),
        *("code of train_classifier", "code of synthesise"),
        *(f"network of {name}" for name in settings.classifiers),
    ]
