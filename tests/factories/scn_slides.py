"""Slides of Leica's format SCN; the scanned area does not begin at the slide's corner."""

from pathlib import Path

import numpy as np
import tifffile

_NM_PER_PX = 500
_VIEW = '<view sizeX="{}" sizeY="{}" offsetX="{}" offsetY="{}" spacingZ="0" />'
_IMAGE = (
    '<image name="{}" uuid="urn:uuid:{}"><creationDate>2024-01-01T00:00:00Z</creationDate>'
    '<device model="Leica SCN400;Leica SCN" version="1" />{}<scanSettings><objectiveSettings>'
    "<objective>{}</objective></objectiveSettings><illuminationSettings><numericalAperture>0.4"
    "</numericalAperture><illuminationSource>brightfield</illuminationSource></illuminationSettings>"
    "</scanSettings></image>"
)


def write_scn_slide(path: Path, image: np.ndarray, corner: tuple[int, int]) -> Path:
    """Write a slide of 0.5 um/px and two levels.

    The image, uint8 (h, w, 3), is the scanned area; its corner is (x, y) level-0 px from that of the slide.
    """
    levels = [image, image[::2, ::2]]
    macro = np.full((256, 256, 3), 240, np.uint8)
    (height, width), (x, y) = image.shape[:2], (side * _NM_PER_PX for side in corner)
    whole = [(side + at + 64) * _NM_PER_PX for side, at in zip((width, height), corner, strict=True)]

    def part(
        number: int, name: str, pixels: list[np.ndarray], first: int, view: list[int], power: str
    ) -> str:
        sizes = "".join(
            f'<dimension sizeX="{level.shape[1]}" sizeY="{level.shape[0]}" r="{at}" ifd="{first + at}" />'
            for at, level in enumerate(pixels)
        )
        size = f'<pixels sizeX="{pixels[0].shape[1]}" sizeY="{pixels[0].shape[0]}">{sizes}</pixels>'
        return _IMAGE.format(name, number, size + _VIEW.format(*view), power)

    images = part(3, "macro", [macro], 0, [*whole, 0, 0], "0.6")
    images += part(4, "main", levels, 1, [width * _NM_PER_PX, height * _NM_PER_PX, x, y], "20")
    header = (
        '<?xml version="1.0"?>'
        '<scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01" uuid="urn:uuid:1">'
        f'<collection name="c" uuid="urn:uuid:2" sizeX="{whole[0]}" sizeY="{whole[1]}" orientation="0">'
        f"<barcode>x</barcode>{images}</collection></scn>"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"photometric": "rgb", "compression": "jpeg", "tile": (128, 128), "metadata": None}
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for number, pixels in enumerate([macro, *levels]):
            dots = (100, 100) if number == 0 else (20_000 / 2 ** (number - 1),) * 2
            file.write(
                pixels,
                resolution=dots,
                resolutionunit="CENTIMETER",
                description=header if number == 0 else None,
                **options,
            )
    return path
