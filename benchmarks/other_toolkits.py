"""Cut patches with a toolkit that is installed in the environment of the Python that runs this file.

Toolkits pin libraries that pathgen needs newer, so that each has an environment of its own. Nothing of
pathgen is imported: ``python other_toolkits.py SLIDE PLACES.npy FOLDER PX`` prints JSON.
"""

import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def _tiatoolbox(slide: Path) -> Callable[[int, int, int], Image.Image]:
    from tiatoolbox.wsicore.wsireader import WSIReader  # noqa: PLC0415 - one toolkit per environment

    reader = WSIReader.open(slide)
    return lambda x, y, side: Image.fromarray(
        reader.read_rect((x, y), (side, side), resolution=0, units="level")
    )


def _histolab(slide: Path) -> Callable[[int, int, int], Image.Image]:
    from histolab.slide import Slide  # noqa: PLC0415 - one toolkit per environment
    from histolab.types import CoordinatePair  # noqa: PLC0415 - one toolkit per environment

    opened = Slide(slide, slide.parent / "histolab")
    return lambda x, y, side: opened.extract_tile(
        CoordinatePair(x, y, x + side, y + side), (side, side), level=0
    ).image.convert("RGB")


TOOLKITS: dict[str, Callable[[Path], Callable[[int, int, int], Image.Image]]] = {
    "tiatoolbox": _tiatoolbox,
    "histolab": _histolab,
}


def main(slide: str, places_file: str, folder: str, out_px: str) -> None:
    """Read, resize and store patch by patch with every toolkit that is there."""
    places, side_px = np.load(places_file).tolist(), int(out_px)
    told: dict[str, Any] = {}
    for name, begin in TOOLKITS.items():
        if importlib.util.find_spec(name) is None:
            continue
        read = begin(Path(slide))
        start, before = time.perf_counter(), time.process_time()
        for x, y, side in places:
            read(x, y, side).resize((side_px, side_px)).save(Path(folder) / f"{name}_{x}_{y}.png")
        told[name] = {"seconds": time.perf_counter() - start, "cpu_s": time.process_time() - before}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
