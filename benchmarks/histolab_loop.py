"""Extract patches with histolab, whose pinned libraries are older than those of pathgen.

Runs in an environment of histolab and imports nothing of pathgen: ``python histolab_loop.py SLIDE PX`` reads
the places from ``places.npy`` in the folder of the slide, stores patches of PX pixels there and prints JSON.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np


def main(slide_path: Path, out_px: int) -> None:
    from histolab.slide import Slide  # noqa: PLC0415 - absent in the environment of pathgen
    from histolab.types import CoordinatePair  # noqa: PLC0415 - absent in the environment of pathgen

    slide = Slide(slide_path, slide_path.with_name("histolab"))
    places = np.load(slide_path.with_name("places.npy")).tolist()
    start, cpu = time.perf_counter(), time.process_time()
    for x, y, side in places:
        tile = slide.extract_tile(CoordinatePair(x, y, x + side, y + side), (side, side), level=0)
        patch = tile.image.convert("RGB").resize((out_px, out_px))
        patch.save(slide_path.with_name(f"histolab_{x}_{y}.png"))
    print(json.dumps({"seconds": time.perf_counter() - start, "cpu_s": time.process_time() - cpu}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
