"""Write a phantom data set with the folders of Camelyon16."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pathgen.core.files import atomic_path
from pathgen.core.progress import tracked
from pathgen.core.seeding import numpy_generator
from pathgen.phantom.anatomy import draw_anatomy, draw_outlines
from pathgen.phantom.dyes import draw_dyes
from pathgen.phantom.settings import PhantomSettings
from pathgen.phantom.staining import draw_stain, render
from pathgen.phantom.writers import write_annotations, write_pyramid


@dataclass(frozen=True)
class SlidePlan:
    """One slide of the data set. Its bytes depend on its name and on the settings that describe a slide.

    Attributes:
        name: Slide id, e.g. ``tumor_001``; part of the seed.
        image: Path of the slide, relative to the root.
        annotation: Path of its lesion outlines, relative to the root; None for a normal slide.
    """

    name: str
    image: str
    annotation: str | None


def slide_plans(settings: PhantomSettings) -> list[SlidePlan]:
    """Return all slides of a data set: training normal, training tumor, test."""
    tumor, normal = settings.test_tumor_slides, settings.test_normal_slides
    both = min(tumor, normal)
    # Alternating, so that the number of a test slide does not reveal its label.
    is_tumor = [True, False] * both + [True] * (tumor - both) + [False] * (normal - both)
    groups = (
        ("normal", "training", "normal", [False] * settings.normal_slides),
        ("tumor", "training", "tumor", [True] * settings.tumor_slides),
        ("test", "testing", "images", is_tumor),
    )
    plans = []
    for prefix, part, folder, labels in groups:
        for number, annotated in enumerate(labels, start=1):
            name = f"{prefix}_{number:03d}"
            annotation = f"{part}/lesion_annotations/{name}.xml" if annotated else None
            plans.append(SlidePlan(name, f"{part}/{folder}/{name}.tif", annotation))
    return plans


def write_slide(root: Path, plan: SlidePlan, settings: PhantomSettings) -> None:
    """Draw one slide, and write it and its outlines.

    Args:
        root: Folder of the data set.
        plan: Slide to draw.
        settings: Settings of the phantom.
    """

    def generator(purpose: str) -> np.random.Generator:
        return numpy_generator(settings.seed, "phantom", plan.name, purpose)

    outlines = draw_outlines(generator("outlines"), settings, plan.annotation is not None)
    anatomy = draw_anatomy(generator("anatomy"), outlines, settings)
    dyes = draw_dyes(generator("dyes"), anatomy, settings)
    picture = render(*dyes, draw_stain(generator("stain"), settings.stain_spread), generator("noise"))
    if plan.annotation is not None:
        write_annotations(root / plan.annotation, outlines.lesions, outlines.exclusions)
    write_pyramid(
        root / plan.image, picture, settings.mpp, settings.levels, settings.tile_px, settings.jpeg_quality
    )


def write_phantom(root: Path, settings: PhantomSettings) -> list[Path]:
    """Write a set of procedural slides with Camelyon16's folders and file names.

    ``training/normal/normal_001.tif``, ``training/tumor/tumor_001.tif``, ``testing/images/test_001.tif``,
    outlines in ``training/lesion_annotations`` and ``testing/lesion_annotations``, and
    ``testing/reference.csv`` without a header (``test_001,Tumor,IDC,Macro``).

    Args:
        root: Folder to write to; files of the same name are replaced, others stay.
        settings: Settings of the phantom.

    Returns:
        Paths of the slides, in the order training normal, training tumor, test.
    """
    plans = slide_plans(settings)
    draw = partial(write_slide, root, settings=settings)
    alone = min(settings.workers, len(plans)) <= 1
    # Forked processes would inherit the threads of the progress bar and of tracking.
    with ProcessPoolExecutor(settings.workers, multiprocessing.get_context("spawn")) as pool:
        drawn = map(draw, plans) if alone else pool.map(draw, plans)
        list(tracked(drawn, len(plans), "slides", "draw phantom slides"))
    lines = [
        f"{plan.name},{'Tumor,IDC,Macro' if plan.annotation else 'Normal,None,None'}\n"
        for plan in plans
        if plan.image.startswith("testing/")
    ]
    with atomic_path(root / "testing" / "reference.csv") as draft:
        draft.write_text("".join(lines), encoding="utf-8")
    return [root / plan.image for plan in plans]
