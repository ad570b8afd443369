"""Make a small cohort from two real slides: cut each into strips that are slides of their own.

Serves to try the source `slide_csv` on real pixels. The strips of one slide are put into different splits, so
the results say nothing about unseen patients.
"""

from pathlib import Path

import pandas as pd
import shapely
import typer
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from pathgen.core.errors import PathgenError, cli_errors
from pathgen.phantom.writers import write_annotations, write_pyramid
from pathgen.wsi.annotations import read_annotations
from pathgen.wsi.reader import open_slide

# Slide -> first row of the strip of each split, px.
SLIDES = {
    "tumor_001_sparse_crop.tif": {"train": 0, "valid": 2176, "test": 3200},
    "CMU-1-Small-Region.svs": {"train": 0, "valid": 1472, "test": 2208},
}


def cut(slide_path: Path, split_tops: dict[str, int], out: Path) -> list[dict[str, str]]:
    """Cut a slide across its height.

    Args:
        slide_path: Slide; one with an XML file of the same name has tumour.
        split_tops: First row of the strip of each split, px, from top to bottom.
        out: Folder for the strips and their annotations.

    Returns:
        One row of the table of slides per strip.
    """
    rows = []
    outlines = slide_path.with_suffix(".xml")
    with open_slide(slide_path) as slide:
        width, height = slide.dimensions
        ends = [*list(split_tops.values())[1:], height]
        for (split, top), end in zip(split_tops.items(), ends, strict=True):
            name = f"{slide_path.stem}_{split}"
            pixels = slide.read_region_l0(0, top, width, end - top)
            write_pyramid(out / f"{name}.tif", pixels, slide.mpp[0], levels=3, tile_px=256, jpeg_quality=95)
            row = {"slide": f"{name}.tif", "annotation": "", "label": "normal", "split": split, "patient": ""}
            if outlines.exists():
                found, window = read_annotations(outlines), shapely.box(0, top, width, end)
                lesions, holes = (polygons(area, window) for area in (found.lesions, found.exclusions))
                write_annotations(out / f"{name}.xml", lesions, holes)
                row |= {"annotation": f"{name}.xml", "label": "tumor"}
            rows.append(row)
    return rows


def polygons(area: BaseGeometry, window: shapely.Polygon) -> list[shapely.Polygon]:
    """Return the polygons of an area within a window, relative to its top."""
    parts = shapely.get_parts(shapely.intersection(area, window))
    inside = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    return [translate(part, yoff=-window.bounds[1]) for part in inside]


@cli_errors()
def main(data: Path, out: Path) -> None:
    """Cut the slides in DATA/slides, with their XML files, into strips and slides.csv in a new folder OUT."""
    if out.exists():
        raise PathgenError(out, "exists already", "Name a new folder, or remove it")
    out.mkdir(parents=True)
    rows = [row for name, tops in SLIDES.items() for row in cut(data / "slides" / name, tops, out)]
    pd.DataFrame(rows).to_csv(out / "slides.csv", index=False, lineterminator="\r\n")
    print(f"{len(rows)} strips in {out}; set cohort.root to it")


if __name__ == "__main__":
    typer.run(main)
