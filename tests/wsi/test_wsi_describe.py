from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from pathgen.core.errors import PathgenError
from pathgen.wsi.annotations import read_annotations
from pathgen.wsi.probe import describe_slide
from pathgen.wsi.reader import open_slide

Write = Callable[..., Path]


def test_facts_of_a_slide(tmp_path: Path, write_slide: Write, painted: Callable[..., np.ndarray]) -> None:
    path = write_slide(tmp_path / "a.tif", painted(500, 300), compression="jpeg", mpp=(0.25, 0.252))
    facts = describe_slide(path, None)
    assert (facts.width_px, facts.height_px, facts.levels) == (500, 300, 3)
    assert facts.level_dimensions == ((500, 300), (250, 150), (125, 75))
    assert facts.downsamples == (1.0, 2.0, 4.0)
    assert (facts.mpp_x, facts.mpp_y) == pytest.approx((0.25, 0.252), rel=1e-6)
    assert (facts.vendor, facts.compression, facts.tile_px) == ("generic-tiff", "JPEG", (64, 64))


def test_a_hole_at_the_end_of_level_0_is_found(
    tmp_path: Path, write_slide: Write, painted: Callable[..., np.ndarray]
) -> None:
    """OpenSlide opens this file: only a look at every tile's place tells that pixels are gone."""
    path = write_slide(tmp_path / "a.tif", painted(500, 300))
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tag = tiff.pages.first.tags["TileOffsets"]
        tag.overwrite([*tag.value[:-1], path.stat().st_size - 3])
    open_slide(path).close()
    with pytest.raises(PathgenError, match="truncated"):
        describe_slide(path, None)


def test_resolution_can_be_supplied(
    tmp_path: Path, write_slide: Write, painted: Callable[..., np.ndarray]
) -> None:
    path = write_slide(tmp_path / "a.tif", painted(100, 100), unit="NONE")
    with pytest.raises(PathgenError, match="mpp_if_missing"):
        describe_slide(path, None)
    assert describe_slide(path, 0.25).mpp_x == 0.25


def test_real_slides_and_annotations(real_data: Path) -> None:
    svs = describe_slide(real_data / "slides" / "CMU-1-Small-Region.svs", None)
    assert (svs.vendor, svs.compression, svs.mpp_x, svs.levels) == ("aperio", "JPEG", 0.499, 1)
    crop = describe_slide(real_data / "slides" / "tumor_001_sparse_crop.tif", None)
    assert crop.downsamples == (1.0, 2.0, 4.0, 8.0)
    found = read_annotations(real_data / "annotations" / "tumor_095.xml")
    assert found.groups == {"Exclusion": 20, "Tumor": 7}
    assert len(found.exclusions.geoms) == 20


def test_every_bad_file_is_refused_in_one_line(real_data: Path) -> None:
    files = sorted((real_data / "bad").iterdir())
    assert len(files) == 8
    for path in files:
        with pytest.raises(PathgenError) as caught:
            read_annotations(path) if path.suffix == ".xml" else describe_slide(path, 0.25)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    # Permissions do not bind the superuser, as whom tests may run.
    monkeypatch.setattr("pathgen.wsi.open_error.os.access", lambda path, mode: False)
    with pytest.raises(PathgenError, match="is not readable by this user"):
        describe_slide(tmp_path / "a.tif", None)
