"""Survey a cohort: the page, its table, pictures of slides and classes, in one folder."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from pathgen.core import layout
from pathgen.core.files import atomic_folder, atomic_path
from pathgen.core.labels import LABELS
from pathgen.core.progress import tracked
from pathgen.patches.image_grid import save_png
from pathgen.patches.parquet import write_csv
from pathgen.patches.schemas import ROLES, SPLITS
from pathgen.patches.store import open_patch_set
from pathgen.survey.charts import plot_ranked, plot_sampled, plot_stain
from pathgen.survey.contact_sheets import ContactSheet, contact_sheet
from pathgen.survey.outliers import LEAST_VALUES, TRAITS, Outlier, find_outliers, judged
from pathgen.survey.settings import SurveySettings
from pathgen.survey.slide_overlay import mark_patches, mark_sign, with_scale_bar
from pathgen.survey.slide_table import Cohort, read_cohort
from pathgen.webpage.cohort_tables import Table, sample_table
from pathgen.webpage.display_names import LABEL_WORDS, ROLE_EXPLAINED, ROLE_WORDS
from pathgen.webpage.formatting import NO_VALUE
from pathgen.webpage.pictures import Picture, jpeg_picture, open_picture, png_picture, svg_picture
from pathgen.webpage.rendering import render

_THUMBNAIL_PX = 240
# Largest JPEG of a thumbnail, of all thumbnails, and of all contact sheets.
_THUMBNAIL_BYTES, _THUMBNAILS_BYTES, _SHEETS_BYTES = 24_000, 500_000, 500_000


@dataclass(frozen=True)
class SurveyCounts:
    """Headline numbers of a survey.

    Attributes:
        slides: Number of slides in use.
        left_out: Number of excluded slides.
        outliers: Number of slides that are outliers in any trait.
        incomplete_patches: Number of sampled patches with a tile that the slide's file lacks.
        copies: Number of patches left out since others have equal pixels.
        near_duplicates: Number of sampled patches with a near-duplicate in another role.
    """

    slides: int
    left_out: int
    outliers: int
    incomplete_patches: int
    copies: int
    near_duplicates: int


def survey_cohort(root: Path, out: Path, settings: SurveySettings, threads: int = 1) -> SurveyCounts:
    """Write ``index.html``, ``slides.csv``, ``slides/{slide}.png`` and ``classes/{label}-{role}.png``.

    Args:
        root: Checkout with the tables and patch sets.
        out: Folder to write; it appears when it is complete. Equal inputs give equal bytes.
        settings: Section `survey`.
        threads: Number of slides that are drawn at the same time.

    Raises:
        PathgenError: An input is missing or damaged.
    """
    cohort = read_cohort(root)
    outliers = find_outliers(cohort.facts, settings.outlier_score)
    remarks = slide_remarks(cohort.facts, outliers)
    with atomic_folder(out) as draft:
        sheets = _write_sheets(root, draft, settings)
        thumbnails = _write_slides(cohort, root / layout.OVERLAYS, draft, threads)
        page = _render_page(cohort, outliers, settings.outlier_score, remarks, sheets, thumbnails)
        (draft / "index.html").write_text(page, encoding="utf-8")
        texts = [" ".join(remarks[str(slide)]) or None for slide in cohort.facts["slide"]]
        write_csv(cohort.facts.assign(remarks=pd.Series(texts, dtype=object)), draft / "slides.csv")
    return SurveyCounts(
        slides=len(cohort.facts),
        left_out=0 if cohort.left_out is None else len(cohort.left_out.lines),
        outliers=len({outlier.slide for outlier in outliers}),
        incomplete_patches=int(cohort.facts["incomplete"].fillna(0).sum()),
        copies=int(cohort.facts["copies"].fillna(0).sum()),
        near_duplicates=int(cohort.facts["near_sharing"].sum()),
    )


def slide_remarks(facts: pd.DataFrame, outliers: Sequence[Outlier]) -> dict[str, list[str]]:
    """Write what a person should check, by slide.

    Args:
        facts: Table of slides, see `pathgen.survey.slide_table.Cohort`.
        outliers: Outliers.

    Returns:
        Slide to sentences, for all slides; an empty list where nothing is unusual.
    """
    remarks = {}
    for row in _records(facts):
        own = [outlier for outlier in outliers if outlier.slide == row["slide"]]
        text = render("survey/remarks.txt.j2", row=row, outliers=own)
        remarks[str(row["slide"])] = [line for line in text.splitlines() if line]
    return remarks


def _records(facts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows with None in place of missing values, and integers as integers."""
    plain = facts.astype(object).where(facts.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def _write_sheets(root: Path, out: Path, settings: SurveySettings) -> list[ContactSheet]:
    sets = {role: open_patch_set(root / layout.PATCHES / role) for role in ROLES}
    made = [contact_sheet(sets[role], label, role, settings) for label in LABELS for role in ROLES]
    sheets = [sheet for sheet in made if sheet is not None]
    for sheet in sheets:
        save_png(sheet.image, out / sheet.file)
    return sheets


def _write_slides(cohort: Cohort, overlays: Path, out: Path, threads: int) -> dict[str, Picture]:
    """Write the picture of every slide that has an overlay, and return small ones by slide."""
    by_slide = dict(list(cohort.samples.groupby("slide")))
    scales = list(cohort.facts[["slide", "width_px", "height_px", "mpp_x"]].itertuples(index=False))
    most = min(_THUMBNAIL_BYTES, _THUMBNAILS_BYTES // max(1, len(scales)))

    def write(slide: str, width: float, height: float, mpp: float) -> Picture | None:
        file = overlays / f"{slide}.png"
        if not file.exists() or pd.isna(width):
            return None
        patches = by_slide.get(slide, cohort.samples.iloc[:0])
        marked = mark_patches(np.asarray(open_picture(file)), patches, (int(width), int(height)))
        if not pd.isna(mpp):
            marked = with_scale_bar(marked, width * mpp / 1000)
        small = Image.fromarray(marked)
        # 256 colours: a quarter of the bytes and of the time.
        few = small.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        with atomic_path(out / "slides" / f"{slide}.png") as draft:
            few.save(draft, format="PNG", compress_level=6)
        small.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX), Image.Resampling.BOX)
        return jpeg_picture(np.asarray(small), most, f"Slide {slide} with its sampled patches")

    # Threads suffice: Pillow encodes and NumPy computes without the interpreter's lock.
    with ThreadPoolExecutor(threads) as pool:
        written = pool.map(lambda scale: write(*scale), scales)
        pictures = list(tracked(written, len(scales), "slides", "draw slides"))
    return {
        str(scale[0]): picture for scale, picture in zip(scales, pictures, strict=True) if picture is not None
    }


def _render_page(
    cohort: Cohort,
    outliers: Sequence[Outlier],
    outlier_score: float,
    remarks: Mapping[str, Sequence[str]],
    sheets: Sequence[ContactSheet],
    thumbnails: Mapping[str, Picture],
) -> str:
    """Return the page, which loads nothing from a network and links to the pictures next to it."""
    sampled = set(zip(cohort.samples["label"], cohort.samples["role"], strict=True))
    farthest = {outlier.slide: place for place, outlier in reversed(list(enumerate(outliers)))}
    unusual = [slide for slide, sentences in remarks.items() if sentences]
    return render(
        "survey/page.html.j2",
        cohort=cohort,
        holders=cohort.holders,
        holder=cohort.holders[:-1],
        slides=_records(cohort.facts),
        remarks=remarks,
        unusual=sorted(unusual, key=lambda slide: farthest.get(slide, len(outliers))),
        outlier_score=outlier_score,
        traits=TRAITS,
        judged=judged(cohort.facts),
        least_values=LEAST_VALUES,
        tables=[_split_table(cohort.facts, cohort.holders), sample_table(cohort.samples, cohort.holders)],
        charts=_charts(cohort.facts, outliers),
        sheets=[
            (sheet, jpeg_picture(sheet.image, _SHEETS_BYTES // len(sheets), sheet.words)) for sheet in sheets
        ],
        thumbnails=thumbnails,
        marks=[
            png_picture(mark_sign(label, role), "", f"{LABEL_WORDS[label]}, {ROLE_EXPLAINED[role]}")
            for label in LABELS
            for role in ROLES
            if (label, role) in sampled
        ],
        role_words=ROLE_WORDS,
        labels=LABELS,
        area=area,
    )


def _charts(facts: pd.DataFrame, outliers: Sequence[Outlier]) -> list[Picture]:
    tissue, stain = (
        {outlier.slide for outlier in outliers if outlier.trait in traits}
        for traits in (("tissue_fraction",), ("darkness", "red_share", "blue_share"))
    )
    plots = {
        "Sampled patches of the splits": plot_sampled(facts),
        "Tissue fraction of each slide": plot_ranked(facts, "tissue_fraction", "tissue fraction", tissue),
        "Candidates on each slide": plot_ranked(facts, "candidates", "candidates", set()),
        "Stain: each point has the mean tissue colour of a slide": plot_stain(facts, stain),
    }
    return [svg_picture(figure, words, words) for words, figure in plots.items() if figure is not None]


def _split_table(facts: pd.DataFrame, holders: str) -> Table:
    """Count slides, tissue and candidates by split and label of the slide, and in all."""
    lines = []
    splits, labels = facts["split"].fillna("none"), facts["label"].fillna("no label")
    for split in (*SPLITS, "none"):
        for label in ("tumor", "normal", "no label"):
            chosen = facts[(splits == split) & (labels == label)]
            if len(chosen):
                lines.append([split, LABEL_WORDS.get(label, label), *_sums(chosen)])
    lines.append(["all", "", *_sums(facts)])
    head = ["split", "label", holders, "candidates", "with tumour", "tissue, mm²", "lesions, mm²"]
    caption = (
        f"{holders.capitalize()} in use. A candidate is a grid square with enough tissue, or a patch of a "
        "ready-made set."
    )
    return Table(caption, head, lines, counts=(2, 3, 4, 5, 6))


def _sums(facts: pd.DataFrame) -> list[str]:
    cells = [f"{len(facts):,}"]
    for column in ("candidates", "tumor_candidates", "tissue_mm2", "lesion_mm2"):
        known = facts[column].dropna()
        text = area(known.sum()) if column.endswith("mm2") else f"{known.sum():,}"
        cells.append(NO_VALUE if known.empty else text)
    return cells


def area(mm2: float) -> str:
    """Write an area in mm² with three significant digits, integers from 100 on."""
    return f"{mm2:,.0f}" if mm2 >= 100 else f"{mm2:.3g}"
