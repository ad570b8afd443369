"""What the two kinds of points of the scaling experiment share: train, judge, write."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pathgen.classifier.settings import TrainClassifierSettings
from pathgen.core import layout
from pathgen.core.files import write_json
from pathgen.core.params import load_section
from pathgen.evaluation.settings import EvaluateSettings
from pathgen.patches.store import PatchSet, open_patch_set
from pathgen.studies.scaling.point import run_point
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.scaling.subsets import per_class
from pathgen.training.compute import apply_compute
from pathgen.training.settings import ComputeSettings
from stages.context import running
from stages.scaling_parent import nest


def wanted_point(about: str | None) -> argparse.Namespace:
    """Read from the command line which point is wanted."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--source", required=True, help="original, or a generator")
    parser.add_argument("--size", required=True, help="patches per class, or unlimited")
    parser.add_argument("--classifier", required=True)
    parser.add_argument("--seed", required=True, type=int)
    return parser.parse_args()


def train_point(
    wanted: argparse.Namespace,
    take: Callable[[PatchSet, int, Any, ComputeSettings, ScalingSettings], Mapping[str, Any]],
    inputs: Sequence[Path] = (),
) -> None:
    """Run a point's stage.

    Args:
        wanted: Of `wanted_point`.
        take: Returns the training patches by label, given the original ones, how many of each class, the
            device, and the settings of computing and of the experiment.
        inputs: What it reads beside the original patches.
    """
    settings = load_section("scaling", ScalingSettings)
    classifier = load_section("train_classifier", TrainClassifierSettings).of(wanted.classifier)
    threshold = load_section("evaluate", EvaluateSettings).threshold
    compute = load_section("compute", ComputeSettings)
    device = apply_compute(device=compute.device, threads=compute.threads)
    name = f"{wanted.source}-{wanted.size}-{wanted.classifier}-{wanted.seed}"
    steps = settings.training.max_steps
    count = per_class(wanted.size, max_steps=steps, batch_size=classifier.batch_size)
    with running(
        "scaling_point",
        settings={"scaling": settings.training, "train_classifier": classifier, "compute": compute},
        inputs=[layout.TRAIN, layout.VALID, layout.TEST, *inputs],
        item=vars(wanted),
        trains=True,
    ) as stage:
        nest(stage.run, settings)
        train = open_patch_set(layout.TRAIN)
        found = run_point(
            take(train, count, device, compute, settings),
            open_patch_set(layout.VALID),
            open_patch_set(layout.TEST),
            recipe=settings.training.changing(classifier.model_dump()),
            max_steps=steps,
            validate_every_steps=settings.training.validate_every_steps,
            seed=wanted.seed,
            threshold=threshold,
            device=device,
            precision=compute.precision,
            channels_last=compute.channels_last,
            resume_folder=stage.resume_folder,
            recorder=stage.run,
            what=f"train {name}",
        )
        write_json(layout.SCALING_POINTS / f"{name}.json", {**vars(wanted), "per_class": count, **found})
        stage.run.metrics({"scaling/per_class": count, "scaling/error": found["error"]}, 0)
