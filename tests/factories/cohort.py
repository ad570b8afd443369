"""A made-up cohort: tables, patch sets and overlays in the layout of the pipeline."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pathgen.patches.image_grid import save_png
from pathgen.patches.parquet import write_table
from pathgen.patches.schemas import (
    COHORT,
    EXTRACTED,
    INDEXED,
    ROLES,
    SAMPLES,
    Schema,
    check_table,
    empty_table,
)
from pathgen.patches.store import write_patch_set
from pathgen.survey.settings import SurveySettings
from pathgen.survey.survey import SurveyCounts, survey_cohort
from pathgen.wsi.overlay import overlay

SIDE_PX = 8
WIDTH_PX, HEIGHT_PX, PATCH_PX = 3000, 2000, 100
NAMES = tuple(f"slide {letter}" for letter in "abcdefgh")
SPLIT = dict(zip(NAMES, ["train"] * 4 + ["valid"] * 2 + ["test"] * 2, strict=True))
Lines = list[dict[str, Any]]
# Of every four patches of a slide of the training split.
TRAIN_ROLES = ("train", "train", "nonmember", "reference")


@dataclass(frozen=True)
class Made:
    """The tables, the page's folder and what was found."""

    data: Path
    out: Path
    found: SurveyCounts


def rows(schema: Schema, lines: list[dict[str, Any]]) -> pd.DataFrame:
    """Complete lines by empty values and check them."""
    columns = empty_table(schema).columns
    return check_table(pd.DataFrame([dict.fromkeys(columns) | line for line in lines]), schema, "made up")


def cohort_row(slide: str, **changes: Any) -> dict[str, Any]:
    return {
        "slide": slide,
        "source": "slides",
        "path": f"{slide}.tif",
        "label": "tumor" if slide in NAMES[::2] else "normal",
        "exhaustive": True,
        "width_px": WIDTH_PX,
        "height_px": HEIGHT_PX,
        "mpp_x": 0.25,
        "mpp_y": 0.25,
        "levels": 3,
        "vendor": "made up",
        "slide_known": True,
        **changes,
    }


def indexed_row(slide: str, number: int, **changes: Any) -> dict[str, Any]:
    tumor = slide in NAMES[::2]
    return {
        "slide": slide,
        "candidates": 100 + number,
        "tumor_candidates": 20 if tumor else 0,
        "tissue_fraction": 0.5 + number / 100,
        "tissue_mm2": 0.2,
        "lesion_mm2": 0.05 if tumor else 0.0,
        "mean_r": 190.0 + number,
        "mean_g": 140.0,
        "mean_b": 180.0 - number,
        "annotations_dropped": 0,
        **changes,
    }


def sample_rows(slide: str, split: str) -> list[dict[str, Any]]:
    """Return two rows of patches: the upper normal, the lower tumour where the slide has any."""
    lines = []
    for number in range(16):
        lines.append(
            {
                "slide": slide,
                "item": number,
                "x_l0": 200 + number % 8 * 200,
                "y_l0": 300 + number // 8 * 900,
                "size_l0": PATCH_PX,
                "split": split,
                "label": "tumor" if slide in NAMES[::2] and number >= 8 else "normal",
                "exhaustive": True,
                "role": TRAIN_ROLES[number % 4] if split == "train" else split,
            }
        )
    return lines


def write_noise(folder: Path, index: pd.DataFrame, side_px: int, seed: int) -> None:
    """Write a patch set of noise; tumour patches are dark."""
    base = np.where((index["label"] == "tumor").to_numpy(), 80, 180)[:, None, None, None]
    noise = np.random.default_rng(seed).integers(-60, 60, (len(index), side_px, side_px, 3))
    write_patch_set(folder, index, side_px, [(base + noise).astype(np.uint8)])


def _write_tables(data: Path, cohort: Lines, found: Lines, samples: pd.DataFrame, read: Lines) -> None:
    write_table(rows(COHORT, cohort), data / "cohort.parquet")
    write_table(rows(INDEXED, found), data / "index" / "slides.parquet")
    write_table(samples, data / "samples.parquet")
    write_table(rows(EXTRACTED, read), data / "patches_by_slide.parquet")
    for number, role in enumerate(ROLES):
        write_noise(
            data / "patches" / role, samples[samples["role"] == role].reset_index(drop=True), SIDE_PX, number
        )


def outlined(width: int = 300, height: int = 200) -> np.ndarray:
    """Return a slide's picture with all three outlines."""
    picture = np.full((height, width, 3), 245, np.uint8)
    tissue = np.zeros((height, width), bool)
    tissue[10 : height - 20, 10 : width - 90] = True
    picture[tissue] = (200, 150, 190)
    box = np.array([[20.0, 110], [190, 110], [190, 140], [20, 140], [20, 110]])
    cut = np.array([[60.0, 150], [90, 150], [90, 170], [60, 170], [60, 150]])
    return overlay(picture, tissue, [box], [cut], side_px=max(width, height))


def write_data(data: Path) -> Path:
    """Write eight slides in use, one left out by each stage, and three that are unlike the others."""
    unlike: dict[str, dict[str, Any]] = {
        NAMES[2]: {"tissue_fraction": 0.02},
        NAMES[5]: {"mean_r": 190.0, "mean_g": 150.0, "mean_b": 60.0},
    }
    cohort = [
        cohort_row(name, **({"mpp_x": 0.5, "mpp_y": 0.5} if name == NAMES[7] else {})) for name in NAMES
    ]
    cohort += [
        cohort_row("broken", skipped="truncated: <the last> tiles are missing", width_px=None),
        cohort_row("glass"),
    ]
    found = [indexed_row(name, number, **unlike.get(name, {})) for number, name in enumerate(NAMES)]
    found.append({"slide": "glass", "reason": "no tissue was found"})
    samples = rows(SAMPLES, [line for name in NAMES[:-1] for line in sample_rows(name, SPLIT[name])])
    read = [{"slide": name, "patches": 16, "method": "jpeg_tiles", "incomplete": 0} for name in NAMES[:-2]]
    read.append(
        {
            "slide": NAMES[-2],
            "patches": 16,
            "method": "openslide",
            "reason": "its tiles are JPEG 2000",
            "incomplete": 3,
        }
    )
    _write_tables(data, cohort, found, samples, read)
    for name in NAMES:
        save_png(outlined(), data / "index" / "overlays" / f"{name}.png")
    return data


def write_containers(data: Path) -> Path:
    """Write what a ready-made set of patches gives: no slides, no places, no pictures."""
    splits = ("train", "valid", "test")
    unknown = ("label", "width_px", "height_px", "mpp_x", "mpp_y", "levels", "vendor")
    cohort = [
        cohort_row(
            f"{split}.h5",
            source="pcam",
            split=split,
            slide_known=False,
            **dict.fromkeys(unknown),
        )
        for split in splits
    ]
    found = [
        {"slide": f"{split}.h5", "candidates": 50, "tumor_candidates": 25, "copies": 0} for split in splits
    ]
    found[1] |= {"copies": 7, "two_labels": 0}
    samples = rows(
        SAMPLES,
        [
            line | {"x_l0": None, "y_l0": None, "size_l0": None, "label": ("normal", "tumor")[number % 2]}
            for split in splits
            for number, line in enumerate(sample_rows(f"{split}.h5", split))
        ],
    )
    read = [{"slide": f"{split}.h5", "patches": 16} for split in splits]
    _write_tables(data, cohort, found, samples, read)
    return data


SETTINGS = SurveySettings(seed=7, outlier_score=3.5, sheet_patches=12, sheet_columns=6)


def survey(data: Path, out: Path) -> SurveyCounts:
    """Survey a cohort whose tables are in a folder ``data``."""
    assert data.name == "data"
    return survey_cohort(data.parent, out, SETTINGS)
