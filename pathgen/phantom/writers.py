"""Write slides as pyramidal TIFF and lesion outlines as ASAP XML, the formats of Camelyon16."""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from shapely.geometry import Polygon

from pathgen.core.files import atomic_path


def halve(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink a picture to half its size: rounded means of 2 x 2; an odd last row or column is dropped."""
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    blocks = picture[: 2 * height, : 2 * width].astype(np.uint16)
    rows = blocks[0::2] + blocks[1::2]  # (H/2, W, 3)
    return ((rows[:, 0::2] + rows[:, 1::2] + 2) // 4).astype(np.uint8)


def write_pyramid(
    path: Path, picture: NDArray[np.uint8], mpp: float, levels: int, tile_px: int, jpeg_quality: int
) -> None:
    """Write an image as a slide that OpenSlide opens, atomically.

    Args:
        path: Path of the file.
        picture: uint8 (H, W, 3) RGB, level 0.
        mpp: Pixel size of level 0, um per px; stored as TIFF resolution per centimetre.
        levels: Levels of the pyramid, each half the size of the one before.
        tile_px: Side of a tile, px; a multiple of 16.
        jpeg_quality: Quality of the JPEG tiles, 1..100.
    """
    with atomic_path(path) as draft, tifffile.TiffWriter(draft) as writer:
        for level in range(levels):
            per_cm = 1e4 / (mpp * 2**level)
            writer.write(
                picture,
                photometric="rgb",
                compression="jpeg",
                compressionargs={"level": jpeg_quality, "outcolorspace": "ycbcr"},
                tile=(tile_px, tile_px),
                subfiletype=1 if level else 0,
                resolution=(per_cm, per_cm),
                resolutionunit="CENTIMETER",
                software=False,
                metadata=None,
                description=None,
            )
            picture = halve(picture)


def write_annotations(path: Path, lesions: list[Polygon], exclusions: list[Polygon]) -> None:
    """Write outlines as ASAP XML, groups Tumor and Exclusion.

    Args:
        path: Path of the file.
        lesions: Tumour, level-0 px.
        exclusions: Normal tissue inside the tumour, level-0 px.
    """
    lines = ['<?xml version="1.0"?>', "<ASAP_Annotations>", "\t<Annotations>"]
    outlines = [("Tumor", lesion) for lesion in lesions] + [("Exclusion", hole) for hole in exclusions]
    for number, (group, polygon) in enumerate(outlines):
        head = f'Name="_{number}" Type="Polygon" PartOfGroup="{group}" Color="#F4FA58"'
        lines += [f"\t\t<Annotation {head}>", "\t\t\t<Coordinates>"]
        for order, (x, y) in enumerate(polygon.exterior.coords[:-1]):
            lines.append(f'\t\t\t\t<Coordinate Order="{order}" X="{x:g}" Y="{y:g}" />')
        lines += ["\t\t\t</Coordinates>", "\t\t</Annotation>"]
    lines += ["\t</Annotations>", "\t<AnnotationGroups>"]
    for group, colour in (("Tumor", "#00ff00"), ("Exclusion", "#0000ff")):
        lines.append(f'\t\t<Group Name="{group}" PartOfGroup="None" Color="{colour}"><Attributes /></Group>')
    lines += ["\t</AnnotationGroups>", "</ASAP_Annotations>"]
    with atomic_path(path) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
