"""Make a small cohort out of two slides: cut each into strips that are slides of their own.

For trying the source `slide_csv` on real pixels when few slides are at hand. The strips of one slide
are put into different splits, so the numbers that come out say nothing about unseen patients.
"""

import argparse
import csv
from pathlib import Path

import shapely
from shapely.affinity import translate

from pathgen.core.errors import PathgenError, cli_errors
from pathgen.phantom.asap_writer import write_annotations
from pathgen.phantom.tiff import write_pyramid
from pathgen.wsi.annotations import Annotations, read_annotations
from pathgen.wsi.reader import open_slide


def cut(
    slide_path: Path, annotation: Annotations | None, split_tops: dict[str, int], out: Path
) -> list[dict[str, str]]:
    """Cut a slide across its height.

    Args:
        slide_path: The slide.
        annotation: Its outlines; None for a slide without tumour.
        split_tops: Split -> first row of its strip, px; from top to bottom.
        out: Folder for the strips and their outlines.

    Returns:
        One row of the table per strip.
    """
    rows = []
    with open_slide(slide_path) as slide:
        width, height = slide.dimensions
        ends = [*list(split_tops.values())[1:], height]
        for (split, top), end in zip(split_tops.items(), ends, strict=True):
            name = f"{slide_path.stem}_{split}"
            picture = slide.read_region_l0(0, top, width, end - top)
            write_pyramid(out / f"{name}.tif", picture, slide.mpp[0], levels=3, tile_px=256, jpeg_quality=95)
            row = {"slide": f"{name}.tif", "annotation": "", "label": "normal", "split": split, "patient": ""}
            if annotation is not None:
                window = shapely.box(0, top, width, end)
                lesions, holes = (
                    [
                        translate(part, yoff=-top)
                        for part in shapely.get_parts(shapely.intersection(area, window))
                        if part.geom_type == "Polygon" and not part.is_empty
                    ]
                    for area in (annotation.lesions, annotation.exclusions)
                )
                write_annotations(out / f"{name}.xml", lesions, holes)
                row |= {"annotation": f"{name}.xml", "label": "tumor"}
            rows.append(row)
    return rows


@cli_errors()
def main() -> None:
    """Cut the two real slides of the data folder into train, valid and test strips."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "data", type=Path, help="folder with slides/tumor_001_sparse_crop.{tif,xml}, CMU-1-*.svs"
    )
    parser.add_argument("out", type=Path, help="new folder for the strips and slides.csv")
    wanted = parser.parse_args()
    if wanted.out.exists():
        raise PathgenError(wanted.out, "is there already", "Name a new folder, or remove it")
    tumor = wanted.data / "slides" / "tumor_001_sparse_crop.tif"
    normal = wanted.data / "slides" / "CMU-1-Small-Region.svs"
    outlines = read_annotations(tumor.with_suffix(".xml"))
    wanted.out.mkdir(parents=True)
    rows = cut(tumor, outlines, {"train": 0, "valid": 2176, "test": 3200}, wanted.out)
    rows += cut(normal, None, {"train": 0, "valid": 1472, "test": 2208}, wanted.out)
    with (wanted.out / "slides.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} strips in {wanted.out}; set cohort.root to it")


if __name__ == "__main__":
    main()
