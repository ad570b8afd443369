"""The points of the study as jobs: adding a size computes only its points."""

import math
from collections.abc import Mapping
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
from pathgen.studies.scaling.point import LoadPatches, Point, TrainPoint, load_originals
from pathgen.studies.scaling.settings import ORIGINAL, ScalingSettings, Size
from pathgen.studies.synthetic_sample import sample_synthetic
from pathgen.training.metric_logger import OpenRun
from pathgen.training.settings import ComputeSettings

_PATCHES = (layout.TRAIN, layout.VALID, layout.TEST)
_LIBRARIES = ("numpy", "scikit-learn", "scipy", "torch", "torchvision")

# Parsing the code takes longer than all the rest.
_manifest = cache(code_manifest)


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

    def points(self) -> list[Point]:
        """Return all points of the curves, sorted by name."""
        places = [
            *((ORIGINAL, size) for size in self.settings.original_sizes),
            *product(self.settings.generators, self.settings.synthetic_sizes),
        ]
        found = [
            Point(source, str(size), self._per_class(size, classifier), classifier, seed)
            for (source, size), classifier, seed in product(
                places, self.settings.classifiers, self.settings.seeds
            )
        ]
        return sorted(found, key=lambda point: point.name)

    def _per_class(self, size: Size, classifier: str) -> int:
        """Return the number of patches; ``unlimited``: as many as the steps can show, each once."""
        if isinstance(size, int):
            return size
        shown = self.settings.training.max_steps * self.classifiers.of(classifier).batch_size
        return math.ceil(shown / len(LABELS))

    def largest_set(self) -> int:
        """Return the largest number of synthetic patches per class that any point needs."""
        return max(point.per_class for point in self.points() if point.source != ORIGINAL)

    def jobs(self, open_run: OpenRun) -> list[Job]:
        """Return one job per point.

        Args:
            open_run: Opens the record of a point; picklable.
        """
        inputs = {ORIGINAL: file_hashes(*_PATCHES)}
        for generator in self.settings.generators:
            inputs[generator] = inputs[ORIGINAL] | file_hashes(*layout.gan_models(generator).values())
        jobs = []
        for point in self.points():
            work = TrainPoint(
                point=point,
                load_patches=self._load(point),
                recipe=self.classifiers.of(point.classifier),
                training=self.settings.training,
                threshold=self.threshold,
                compute=self.compute,
                open_run=open_run,
            )
            jobs.append(Job(point.name, self._key(work, inputs[point.source]), work))
        return jobs

    def _load(self, point: Point) -> LoadPatches:
        count, order_seed = point.per_class, self.settings.training.order_seed
        if point.source == ORIGINAL:
            return partial(load_originals, count=count, order_seed=order_seed, seed=point.seed)
        return partial(
            sample_synthetic,
            generator=point.source,
            count=count,
            sampling=self.sampling,
            compute=self.compute,
        )

    def _key(self, work: TrainPoint, inputs: Mapping[str, str]) -> CacheKey:
        modules = [TrainPoint.__module__, f"{PLUGINS['classifiers']}.{work.recipe.network}"]
        settings: dict[str, Any] = {
            "point": vars(work.point),
            "recipe": work.recipe.model_dump(),
            "training": work.training.model_dump(),
            "threshold": work.threshold,
            "compute": {**work.compute.model_dump(), "device": self.device},
        }
        if work.point.source != ORIGINAL:
            network = self.gans.recipe(work.point.source).network
            modules += [sample_synthetic.__module__, f"{PLUGINS['generators']}.{network}"]
            # The size of the study's own synthetic set changes no patch of these.
            settings["sampling"] = self.sampling.model_dump(exclude={"per_class", "batch_size"})
        return CacheKey(settings, inputs, _manifest(*modules), library_versions(*_LIBRARIES))


def input_folders(settings: ScalingSettings) -> list[Path]:
    """Return the folders that the study reads."""
    models = [model for name in settings.generators for model in layout.gan_models(name).values()]
    return [*_PATCHES, *models]


def input_names(settings: ScalingSettings) -> list[str]:
    """Return the names, as in `pathgen.provenance.made_from`, of settings and code that shape a point."""
    recipes = [f"train_classifier.classifiers.{name}" for name in settings.classifiers]
    paths = ["scaling", *recipes, "synthesise.seed", "synthesise.best_of", "evaluate.threshold", "compute"]
    return [
        *(f"{PARAMS_FILE}: {path}" for path in paths),
        *("code of train_classifier", "code of synthesise"),
        *(f"network of {name}" for name in settings.classifiers),
    ]
