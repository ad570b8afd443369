"""Damaged inputs are read right or refused, one line per problem: no other error, hang or silent loss."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from factories.fuzz import Target, fuzz, other_value
from factories.slide_files import (
    annotation_settings,
    source_settings,
    write_annotation,
    write_asap,
    write_slide,
)
from PIL import Image

from pathgen.sources.labelled_images import read_image
from pathgen.sources.settings import CohortSettings
from pathgen.sources.source_discovery import load_source
from pathgen.wsi.annotation_files import parse_asap, parse_geojson
from pathgen.wsi.annotations import read_annotations

SQUARE = [(0, 0), (100, 0), (100, 100), (0, 100)]
SIDE_PX = 32


def _asap(folder: Path) -> Target:
    path = write_asap(folder / "a.xml", ("Tumor", SQUARE), ("Exclusion", SQUARE[:3]))

    def read() -> Any:
        return read_annotations(path, without_area="drop").digest, parse_asap(path)

    def lost(found: Any, content: bytes) -> str | None:
        drawn = [len(outline.shell) for outline in found[1]]
        written = [len(re.findall(rb"<%s\b" % tag, content)) for tag in (b"Annotation", b"Coordinate")]
        return None if [len(drawn), sum(drawn)] == written else f"{drawn} of {written}"

    return Target(path, read, lost)


def _polygons(value: Any) -> int:
    """Count the polygons anywhere in a JSON file of which each object is a list of pairs."""
    if not isinstance(value, list | tuple):
        return 0
    own = ("type", "Polygon") in [pair for pair in value if isinstance(pair, tuple)]
    return own + sum(_polygons(inner) for inner in value)


def _geojson(folder: Path) -> Target:
    path = folder / "a.geojson"
    ring = [list(point) for point in [*SQUARE, SQUARE[0]]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    features = [
        {"type": "Feature", "geometry": geometry, "properties": {"classification": {"names": ["Tumor"]}}}
        for geometry in (polygon, {"type": "GeometryCollection", "geometries": [polygon, polygon]})
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))

    def read() -> Any:
        return read_annotations(path, without_area="drop").digest, parse_geojson(path)

    def lost(found: Any, content: bytes) -> str | None:
        written = _polygons(json.loads(content, object_pairs_hook=list))
        # A point, a line or null is an outline without vertices.
        return None if len(found[1]) >= written else f"{len(found[1])} of {written} polygons"

    return Target(path, read, lost, other_value)


def _cohort(settings: CohortSettings, root: Path) -> Any:
    table = load_source(settings.source).find_cohort(root, settings, annotation_settings())
    return table.drop(columns=["sha256", "annotation_sha256", "table_sha256", "bytes"]).to_csv()


def _lines(content: bytes) -> int:
    return sum(any(cell.strip() for cell in line.split(b",")) for line in content.splitlines())


def _slides_csv(folder: Path) -> Target:
    for number in range(2):
        write_slide(folder / f"s{number}.tif", side=256, seed=number)
    write_annotation(folder / "s1.xml", (64, 64, 192, 192))
    path = folder / "slides.csv"
    path.write_text("slide,label,patient,annotation\ns0.tif,normal,p0,\ns1.tif,tumor,p1,s1.xml\n")
    settings = source_settings("slide_csv", folder, slide_csv={"table": path.name})

    def lost(found: str, content: bytes) -> str | None:
        listed, written = _lines(found.encode()) - 1, _lines(content) - 1
        return None if listed == written else f"{listed} of {written} slides"

    return Target(path, lambda: _cohort(settings, folder), lost)


def _reference_csv(folder: Path) -> Target:
    for number in (1, 2):
        write_slide(folder / f"testing/images/test_{number:03d}.tif", side=256, seed=number)
    write_annotation(folder / "testing/lesion_annotations/test_002.xml", (64, 64, 192, 192))
    path = folder / "testing/reference.csv"
    path.write_text("name,label,kind,size\ntest_001,Normal,None,None\ntest_002,Tumor,IDC,Macro\n")
    settings = source_settings("camelyon16", folder)

    def lost(found: str, content: bytes) -> str | None:
        labels = [line.split(",")[5] for line in found.splitlines()[1:]]
        return None if labels == ["normal", "tumor"] else f"labels {labels}"

    return Target(path, lambda: _cohort(settings, folder), lost)


def _pcam(folder: Path, part: str, **storage: Any) -> Target:
    rng = np.random.default_rng(0)
    for split in ("train", "valid", "test"):
        stem = f"camelyonpatch_level_2_split_{split}"
        with h5py.File(folder / f"{stem}_x.h5", "w") as file:
            pixels = rng.integers(1, 256, (12, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
            file.create_dataset("x", data=pixels, **storage)
        with h5py.File(folder / f"{stem}_y.h5", "w") as file:
            file["y"] = (np.arange(12, dtype=np.uint8) % 2).reshape(-1, 1, 1, 1)
    settings = source_settings("pcam", folder, pcam={"crop_px": SIDE_PX})
    source = load_source("pcam")

    def read() -> Any:
        row = source.find_cohort(folder, settings, annotation_settings()).iloc[0]
        found = source.find_candidates(folder, row, settings, None)
        images = source.read_patches(folder, found.candidates, SIDE_PX, settings, 1).images
        return found.candidates["label"].tolist(), images.tolist()

    def lost(found: Any, content: bytes) -> str | None:
        black = sum(not np.any(image) for image in found[1])
        return f"{len(found[0])} patches, {black} without pixels" if len(found[0]) != 12 or black else None

    return Target(folder / f"camelyonpatch_level_2_split_test_{part}.h5", read, lost)


def _image(folder: Path, name: str, **options: Any) -> Target:
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(60, 200, (8, 8, 3)), np.ones((4, 4, 1))) + rng.integers(0, 30, (32, 32, 3))
    Image.fromarray(smooth.astype(np.uint8)).save(folder / name, **options)

    def lost(found: Any, content: bytes) -> str | None:
        if np.shape(found) != (SIDE_PX, SIDE_PX, 3):
            return f"shape {np.shape(found)}"
        changed = name.endswith(".png") and found != intact
        return "other pixels, though PNG has check sums" if changed else None

    def read() -> Any:
        return read_image(folder / name).pixels.tolist()

    intact = read()
    return Target(folder / name, read, lost)


TARGETS: dict[str, Callable[[Path], Target]] = {
    "ASAP XML": _asap,
    "GeoJSON": _geojson,
    "slides.csv": _slides_csv,
    "reference.csv": _reference_csv,
    "HDF5 labels": lambda folder: _pcam(folder, "y"),
    "HDF5 patches": lambda folder: _pcam(folder, "x"),
    "HDF5 patches, chunks": lambda folder: _pcam(
        folder, "x", chunks=(1, SIDE_PX, SIDE_PX, 3), compression="gzip"
    ),
    "PNG": lambda folder: _image(folder, "a.png"),
    "JPEG": lambda folder: _image(folder, "a.jpg", quality=90),
    "TIFF": lambda folder: _image(folder, "a.tif", compression="tiff_lzw"),
    "BMP": lambda folder: _image(folder, "a.bmp"),
}


# Those that do not open a whole data set each time.
QUICK = {"ASAP XML", "GeoJSON", "PNG", "JPEG", "TIFF", "BMP"}


@pytest.mark.parametrize("kind", TARGETS)
def test_damaged_input_is_read_or_refused(tmp_path: Path, kind: str) -> None:
    outcomes = fuzz(TARGETS[kind](tmp_path), cases=50 if kind in QUICK else 6)
    assert outcomes["refused"]


@pytest.mark.long
@pytest.mark.parametrize("kind", TARGETS)
def test_2200_damaged_inputs_are_read_or_refused(tmp_path: Path, kind: str) -> None:
    outcomes = fuzz(TARGETS[kind](tmp_path), cases=200)
    assert sum(outcomes.values()) == 200 and outcomes["refused"] >= 40
