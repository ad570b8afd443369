"""A whole phantom data set on disk, laid out like Camelyon16."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from pathlib import Path

import numpy as np

from pathgen.core.files import atomic_path
from pathgen.core.progress import progress
from pathgen.core.seeding import numpy_generator
from pathgen.phantom.anatomy import draw_anatomy, draw_outlines
from pathgen.phantom.asap_writer import write_annotations
from pathgen.phantom.staining import draw_stain, render
from pathgen.phantom.tiff import write_pyramid
from pathgen.phantom.tissue import draw_dyes


@dataclass(frozen=True)
class SlidePlan:
    """All that the bytes of one slide depend on.

    Attributes:
        name: Slide id, e.g. ``tumor_001``; part of the seed.
        image: Path of the slide, relative to the root.
        annotation: Path of its lesion outlines, relative to the root; None for a normal slide.
        seed: Seed of the data set.
        width_px: Width of level 0, px.
        height_px: Height of level 0, px.
        mpp: Pixel size, um per px.
        levels: Pyramid levels.
        tile_px: Side of a tile, px.
        jpeg_quality: Quality of the JPEG tiles.
        tissue_share: Share of the slide that is tissue.
        lesion_share: Share of the tissue that is lesion; 0 for a normal slide.
        stain_spread: Spread of stain strength between slides.
        overlap: How far the classes borrow each other's look, 0..1.
    """

    name: str
    image: str
    annotation: str | None
    seed: int
    width_px: int
    height_px: int
    mpp: float
    levels: int
    tile_px: int
    jpeg_quality: int
    tissue_share: float
    lesion_share: float
    stain_spread: float
    overlap: float


def write_slide(root: Path, plan: SlidePlan) -> None:
    """Draw one slide and write it and its outlines.

    Args:
        root: Folder of the data set.
        plan: What to draw.
    """

    def generator(purpose: str) -> np.random.Generator:
        return numpy_generator(plan.seed, "phantom", plan.name, purpose)

    size = (plan.width_px, plan.height_px)
    outlines = draw_outlines(generator("outlines"), *size, plan.mpp, plan.tissue_share, plan.lesion_share)
    anatomy = draw_anatomy(generator("anatomy"), outlines, *size, plan.mpp, plan.overlap)
    dyes = draw_dyes(generator("dyes"), anatomy, *size, plan.mpp, plan.overlap)
    picture = render(*dyes, draw_stain(generator("stain"), plan.stain_spread), generator("noise"))
    if plan.annotation is not None:
        write_annotations(root / plan.annotation, outlines.lesions, outlines.exclusions)
    write_pyramid(root / plan.image, picture, plan.mpp, plan.levels, plan.tile_px, plan.jpeg_quality)


def write_phantom(
    root: Path,
    *,
    seed: int,
    normal_slides: int,
    tumor_slides: int,
    test_normal_slides: int,
    test_tumor_slides: int,
    width_px: int,
    height_px: int,
    mpp: float,
    levels: int,
    tile_px: int,
    jpeg_quality: int,
    tissue_share: float,
    lesion_share: float,
    stain_spread: float,
    overlap: float,
    workers: int,
) -> list[Path]:
    """Write a set of procedural slides with Camelyon16's folders and file names.

    ``training/normal/normal_001.tif``, ``training/tumor/tumor_001.tif``, ``testing/images/test_001.tif``,
    outlines in ``training/lesion_annotations`` and ``testing/lesion_annotations``, and
    ``testing/reference.csv`` without a header (``test_001,Tumor,IDC,Macro``).

    Args:
        root: Folder to write to; files of the same name there are replaced, others stay.
        seed: Seed of all slides; a slide depends on it and on its own name alone.
        normal_slides: Training slides without a lesion.
        tumor_slides: Training slides with lesions.
        test_normal_slides: Test slides without a lesion.
        test_tumor_slides: Test slides with lesions.
        width_px: Width of level 0, px.
        height_px: Height of level 0, px.
        mpp: Pixel size of level 0, um per px.
        levels: Pyramid levels, each half the size of the one before.
        tile_px: Side of a TIFF tile, px; a multiple of 16.
        jpeg_quality: Quality of the JPEG tiles, 1..100.
        tissue_share: Share of a slide that is tissue.
        lesion_share: Share of a tumour slide's tissue that is lesion.
        stain_spread: Standard deviation between slides of the logarithm of stain strength.
        overlap: How far each class borrows the other's look, 0..1.
        workers: Processes; the bytes do not depend on it.

    Returns:
        Paths of the slides, in the order training normal, training tumor, test.
    """

    def plan(name: str, image: str, annotation: str | None) -> SlidePlan:
        return SlidePlan(
            name=name,
            image=image,
            annotation=annotation,
            seed=seed,
            width_px=width_px,
            height_px=height_px,
            mpp=mpp,
            levels=levels,
            tile_px=tile_px,
            jpeg_quality=jpeg_quality,
            tissue_share=tissue_share,
            lesion_share=0.0 if annotation is None else lesion_share,
            stain_spread=stain_spread,
            overlap=overlap,
        )

    plans = []
    for number in range(1, normal_slides + 1):
        name = f"normal_{number:03d}"
        plans.append(plan(name, f"training/normal/{name}.tif", None))
    for number in range(1, tumor_slides + 1):
        name = f"tumor_{number:03d}"
        plans.append(plan(name, f"training/tumor/{name}.tif", f"training/lesion_annotations/{name}.xml"))
    reference = []
    for number, is_tumor in enumerate(_alternate(test_tumor_slides, test_normal_slides), start=1):
        name = f"test_{number:03d}"
        outlines = f"testing/lesion_annotations/{name}.xml" if is_tumor else None
        plans.append(plan(name, f"testing/images/{name}.tif", outlines))
        reference.append(f"{name},Tumor,IDC,Macro" if is_tumor else f"{name},Normal,None,None")
    _write_all(root, plans, workers)
    with atomic_path(root / "testing" / "reference.csv") as draft:
        draft.write_text("".join(line + "\n" for line in reference), encoding="utf-8")
    return [root / each.image for each in plans]


def _alternate(tumor: int, normal: int) -> list[bool]:
    """Mix test slides, so that a slide's number does not give its label away: T N T N ..., then the rest."""
    both = min(tumor, normal)
    return [True, False] * both + [True] * (tumor - both) + [False] * (normal - both)


def _start_method() -> BaseContext:
    """Start workers without copying the parent's threads (progress, tracking)."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _write_all(root: Path, plans: list[SlidePlan], workers: int) -> None:
    with progress(len(plans), "slides", "draw phantom slides") as bar:
        if min(workers, len(plans)) <= 1:
            for each in plans:
                write_slide(root, each)
                bar.update(1)
            return
        context = _start_method()
        with ProcessPoolExecutor(min(workers, len(plans)), mp_context=context) as pool:
            for finished in as_completed([pool.submit(write_slide, root, each) for each in plans]):
                finished.result()
                bar.update(1)
