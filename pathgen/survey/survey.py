"""Survey a cohort: the page, its table, pictures of slides and classes, in one folder."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from pathgen.core import layout
from pathgen.core.files import atomic_folder, atomic_path
from pathgen.core.labels import LABELS
from pathgen.core.progress import tracked
from pathgen.patches.image_grid import save_png
from pathgen.patches.parquet import write_csv
from pathgen.patches.schemas import ROLES
from pathgen.patches.store import open_patch_set
from pathgen.survey.cohort_page import render_page, slide_remarks
from pathgen.survey.contact_sheets import ContactSheet, contact_sheet
from pathgen.survey.outliers import find_outliers
from pathgen.survey.settings import SurveySettings
from pathgen.survey.slide_overlay import mark_patches, with_scale_bar
from pathgen.survey.slide_table import Cohort, read_cohort
from pathgen.webpage.pictures import Picture, jpeg_picture, open_picture

_THUMBNAIL_PX = 240
_THUMBNAIL_BYTES = 24_000


@dataclass(frozen=True)
class SurveyCounts:
    """Headline numbers of a survey.

    Attributes:
        slides: Number of slides in use.
        left_out: Number of excluded slides.
        outliers: Number of slides that are outliers in any trait.
        incomplete_patches: Number of sampled patches with a tile that the slide's file lacks.
    """

    slides: int
    left_out: int
    outliers: int
    incomplete_patches: int


def survey_cohort(root: Path, out: Path, settings: SurveySettings) -> SurveyCounts:
    """Write ``index.html``, ``slides.csv``, ``slides/{slide}.png`` and ``classes/{label}-{role}.png``.

    Args:
        root: Checkout with the tables and patch sets.
        out: Folder to write; it appears when it is complete. Equal inputs give equal bytes.
        settings: Section `survey`.

    Raises:
        PathgenError: An input is missing or damaged.
    """
    cohort = read_cohort(root)
    outliers = find_outliers(cohort.facts, settings.outlier_score)
    remarks = slide_remarks(cohort.facts, outliers)
    with atomic_folder(out) as draft:
        sheets = _write_sheets(root, draft, settings)
        thumbnails = _write_slides(cohort, root / layout.OVERLAYS, draft)
        page = render_page(cohort, outliers, settings.outlier_score, remarks, sheets, thumbnails)
        (draft / "index.html").write_text(page, encoding="utf-8")
        texts = [" ".join(remarks[str(slide)]) or None for slide in cohort.facts["slide"]]
        write_csv(cohort.facts.assign(remarks=pd.Series(texts, dtype=object)), draft / "slides.csv")
    return SurveyCounts(
        slides=len(cohort.facts),
        left_out=0 if cohort.left_out is None else len(cohort.left_out.lines),
        outliers=len({outlier.slide for outlier in outliers}),
        incomplete_patches=int(cohort.facts["incomplete"].fillna(0).sum()),
    )


def _write_sheets(root: Path, out: Path, settings: SurveySettings) -> list[ContactSheet]:
    sets = {role: open_patch_set(root / layout.PATCHES / role) for role in ROLES}
    made = [contact_sheet(sets[role], label, role, settings) for label in LABELS for role in ROLES]
    sheets = [sheet for sheet in made if sheet is not None]
    for sheet in sheets:
        save_png(sheet.image, out / sheet.file)
    return sheets


def _write_slides(cohort: Cohort, overlays: Path, out: Path) -> dict[str, Picture]:
    """Write the picture of every slide that has an overlay, and return small ones by slide."""
    by_slide = dict(list(cohort.samples.groupby("slide")))
    scales = list(cohort.facts[["slide", "width_px", "height_px", "mpp_x"]].itertuples(index=False))
    thumbnails = {}
    for slide, width, height, mpp in tracked(scales, len(scales), "slides", "draw slides"):
        file = overlays / f"{slide}.png"
        if not file.exists() or pd.isna(width):
            continue
        patches = by_slide.get(slide, cohort.samples.iloc[:0])
        picture = np.asarray(open_picture(file))
        marked = mark_patches(picture, patches, (int(width), int(height)))
        if not pd.isna(mpp):
            marked = with_scale_bar(marked, width * mpp / 1000)
        _save_few_colours(Image.fromarray(marked), out / "slides" / f"{slide}.png")
        small = Image.fromarray(marked)
        small.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX), Image.Resampling.BOX)
        alt = f"Slide {slide} with its sampled patches"
        thumbnails[str(slide)] = jpeg_picture(np.asarray(small), _THUMBNAIL_BYTES, alt)
    return thumbnails


def _save_few_colours(image: Image.Image, path: Path) -> None:
    """Write a PNG of 256 colours, a quarter of the bytes and of the time."""
    few = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    with atomic_path(path) as draft:
        few.save(draft, format="PNG", compress_level=6)
