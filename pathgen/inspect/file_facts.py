"""Facts of slides, annotations, checkpoints and params files."""

import json
from pathlib import Path
from typing import Any

from pathgen.core.errors import PathgenError
from pathgen.core.file_digest import remembered_sha256
from pathgen.core.files import sha256_of
from pathgen.core.params import PARAMS_FILE, load_section, read_params
from pathgen.sources.cohort_table import content_digest, other_files
from pathgen.sources.whole_slide import SLIDE_SUFFIXES
from pathgen.wsi.annotations import read_annotations
from pathgen.wsi.jpeg_tiles import find_jpeg_tiles
from pathgen.wsi.reader import open_slide
from pathgen.wsi.settings import AnnotationSettings, IndexSettings
from pathgen.wsi.tiff import tiff_facts

CARD_FILE = "model.json"
_AGAIN = "Train it again, or pull it"
_PROBE_PX = 256


def file_facts(path: Path) -> dict[str, Any]:
    """Return size and hashes of a file.

    Args:
        path: The file.

    Returns:
        ``bytes``, ``sha256`` of all of them, and ``cohort_sha256``, the column `sha256` of the cohort
        table, where that is another (that of a slide of several files).
    """
    facts: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": remembered_sha256(path)}
    return {**facts, "cohort_sha256": content_digest(path)} if other_files(path) else facts


def slide_facts(path: Path) -> dict[str, Any]:
    """Open a slide and read pixels of it.

    ``missing_tiles``, where it is known, is the number of level-0 tiles that the file does not hold, and the
    number of all.
    """
    with open_slide(path) as slide:
        slide.check()
        # At the corners and the centre: a slide may open well and still be damaged inside.
        width, height = slide.dimensions
        side_x, side_y = min(_PROBE_PX, width), min(_PROBE_PX, height)
        right, bottom = width - side_x, height - side_y
        for x, y in [(0, 0), (right, 0), (0, bottom), (right // 2, bottom // 2), (right, bottom)]:
            slide.read_region_l0(x, y, side_x, side_y)
        tiles = find_jpeg_tiles(slide)
    if isinstance(tiles, str):
        read_by: dict[str, Any] = {"read_by": "OpenSlide", "not_decoded_directly_because": tiles}
    else:
        missing = [int((tiles.counts == 0).sum()), len(tiles.counts)]
        read_by = {"read_by": "decoding its JPEG tiles directly", "missing_tiles": missing}
    tiff = tiff_facts(path)
    return {
        "vendor": slide.vendor,
        "size_px": list(slide.dimensions),
        "mpp": list(slide.mpp),
        **({"bounds_corner_px": list(slide.bounds)} if slide.bounds != (0, 0) else {}),
        "levels": len(slide.level_dimensions),
        "level_sizes_px": [list(size) for size in slide.level_dimensions],
        "downsamples": list(slide.downsamples),
        "compression": tiff.compression if tiff else None,
        "tile_px": list(tiff.tile_px) if tiff and tiff.tile_px else None,
        **read_by,
        **file_facts(path),
    }


def _bounds_of_slide(annotation: Path) -> tuple[int, int]:
    """Return the corner of the bounds of the slide of the same name in the same folder; 0, 0 without one."""
    for suffix in SLIDE_SUFFIXES:
        if (path := annotation.with_suffix(suffix)).is_file():
            try:
                with open_slide(path, mpp_if_missing=1.0) as slide:
                    return slide.bounds
            except PathgenError:
                continue  # a finding of its own when that file is inspected
    return 0, 0


def annotation_settings() -> AnnotationSettings:
    """Return ``index.annotations`` of the params file of the working folder, or the strictest settings."""
    if PARAMS_FILE.is_file():
        return load_section("index", IndexSettings).annotations
    return AnnotationSettings(groups={}, without_area="refuse")


def annotation_facts(path: Path) -> dict[str, Any]:
    """Read an annotation file, ASAP XML or GeoJSON; areas are in squared level-0 px.

    As a study reads it, with ``index.annotations`` of the params file of the working folder, if there is one,
    for the slide of the same name in the same folder, if there is one.
    """
    found = read_annotations(path, bounds=_bounds_of_slide(path), **annotation_settings().model_dump())
    return {
        "polygons_by_group": found.groups,
        "lesions": len(found.lesions.geoms),
        "exclusions": len(found.exclusions.geoms),
        "lesion_area_px": float(found.lesions.area),
        "exclusion_area_px": float(found.exclusions.area),
        "without_area": found.dropped,
        **file_facts(path),
    }


def _tensors(path: Path) -> dict[str, Any]:
    # Imported here: torch takes seconds to load, and a slide needs none of it.
    from pathgen.training.checkpoint import load_tensors  # noqa: PLC0415

    tensors = load_tensors(path, _AGAIN)
    return {
        "tensors": len(tensors),
        "numbers": sum(tensor.numel() for tensor in tensors.values()),
        "dtypes": sorted({str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}),
    }


def weights_facts(path: Path) -> dict[str, Any]:
    """Read a safetensors file."""
    return {**_tensors(path), **file_facts(path)}


def checkpoint_facts(folder: Path) -> dict[str, Any]:
    """Read a checkpoint: ``model.json`` and the safetensors files in its folder."""
    path = folder / CARD_FILE
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PathgenError(
            path, "no such file, so the weights in its folder cannot be used", _AGAIN
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise PathgenError(path, f"not readable as JSON: {problem}", _AGAIN) from None
    if not isinstance(card, dict):
        raise PathgenError(path, "is not a JSON object", _AGAIN)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise PathgenError(folder, "has model.json but no weights (*.safetensors)", _AGAIN)
    weights = {file.name: {**_tensors(file), "sha256": sha256_of(file)} for file in files}
    return {"model": card, "weights": weights}


def params_facts(path: Path) -> dict[str, Any]:
    """Read a params file and check all of its sections."""
    # Imported here: it reaches into every part of the suite, and a slide needs none of it.
    from pathgen.validation import validate_params  # noqa: PLC0415

    sections = [str(name) for name in read_params(path)]
    validate_params(path)
    return {"sections": sections, **file_facts(path)}
