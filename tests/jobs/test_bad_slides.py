"""Unusable slides are named with the reason, skipped where that is allowed, and nothing else is lost."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from factories.patch_sets import content
from factories.slide_cohort import (
    SLIDES,
    cohort,
    draw,
    entries,
    extract,
    index,
    list_slides,
    values,
    write_cohort,
)
from factories.slide_files import write_slide

from pathgen.core.errors import PathgenError
from pathgen.patches.parquet import read_table
from pathgen.patches.store import open_patch_set

_UNUSABLE = ["broken.svs", "kidney-48-5.tif", "Mirax2-Fluorescence-2.mrxs", "truncated_cmu.svs"]
_UNUSABLE += ["unopenable.tiff", "zero_gi.tif"]


@pytest.fixture
def root(finished: Path, tmp_path: Path) -> Path:
    """A copy of the good slides; the finished work is next to it."""
    shutil.copytree(finished / "work", tmp_path / "work")
    return Path(shutil.copytree(finished / "slides", tmp_path / "slides"))


def _damage(slide: Path, level: int) -> tuple[int, int]:
    """Overwrite the middle tile of a level with zeros; return its place at that level."""
    with tifffile.TiffFile(slide) as tiff:
        page = tiff.pages[level]
        tile = len(page.dataoffsets) // 2
        offset, count = page.dataoffsets[tile], page.databytecounts[tile]
        columns = -(-page.imagewidth // page.tilewidth)
        place = tile % columns * page.tilewidth, tile // columns * page.tilelength
    with slide.open("r+b") as stream:
        stream.seek(offset)
        stream.write(bytes(count))
    return place


def _indexed(out: Path) -> dict[str, str | None]:
    table = read_table(out / "index/slides.parquet")
    return dict(zip(table["slide"], table["reason"], strict=True))


def test_extract_unreadable_tile_stops_or_skips_the_slide(root: Path, tmp_path: Path) -> None:
    out, work = tmp_path / "out", tmp_path / "work"
    write_slide(root / "bad.tif", side=768, seed=99)
    list_slides(root)
    x, y = _damage(root / "bad.tif", 0)
    index(root, out, work, on_bad_slide="skip")
    samples = draw(root, out)
    on_tile = samples["slide"].eq("bad") & samples["x_l0"].between(x, x + 255)
    assert (on_tile & samples["y_l0"].between(y, y + 255)).any(), "no patch was drawn there"
    with pytest.raises(PathgenError) as refusal:
        extract(root, out, work)
    (said,) = str(refusal.value).splitlines()
    assert said.startswith(f"{root / 'bad.tif'}: level 0 at (")
    assert said.endswith("cohort.exclude_slides: [bad].")
    indexed = entries(work, "index")
    assert set(entries(work, "extract")) >= set(samples["slide"]) - {"bad"}, "the other slides were finished"
    extract(root, out, work, on_bad_slide="skip")
    extracted = read_table(out / "patches_by_slide.parquet").set_index("slide")
    assert extracted.loc["bad", "patches"] == 0 and extracted.loc["bad", "left_out"].startswith(
        f"{root / 'bad.tif'}: "
    )
    assert extracted.drop("bad")["left_out"].isna().all()
    train = open_patch_set(out / "patches/train")
    wanted = samples[(samples["role"] == "train") & (samples["slide"] != "bad")]
    assert train.index[["slide", "item"]].to_numpy().tolist() == wanted[["slide", "item"]].to_numpy().tolist()
    # What the message says to do; the patches that the new draw shares with the old one are not read again.
    changes = {"exclude_slides": ["bad"]}
    assert cohort(root, **changes).set_index("slide")["skipped"]["bad"]
    index(root, out, work, **changes)
    assert entries(work, "index") == {name: entry for name, entry in indexed.items() if name != "bad"}
    draw(root, out, **changes)
    extract(root, out, work, **changes)
    assert "bad" not in set(read_table(out / "patches_by_slide.parquet")["slide"])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda slide: _damage(slide, 1), "level 1 at (0, 0) cannot be read"),
        (lambda slide: write_slide(slide, side=16), "16 x 16 px is smaller than one patch of 32 px"),
        (
            lambda slide: tifffile.imwrite(
                slide,
                np.full((256, 256, 3), 245, np.uint8),
                tile=(256, 256),
                compression="jpeg",
                resolution=(4e4, 4e4),
                resolutionunit="CENTIMETER",
            ),
            "has no tissue",
        ),
    ],
)
def test_index_unusable_slide_stops_or_is_skipped(
    root: Path, tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    out, work = tmp_path / "out", tmp_path / "work"
    write_slide(root / "bad.tif", side=768, seed=99)
    list_slides(root)
    spoil(root / "bad.tif")
    with pytest.raises(PathgenError) as refusal:
        index(root, out, work)
    (line,) = str(refusal.value).splitlines()
    assert line.startswith(f"{root / 'bad.tif'}: {said}")
    before = entries(work, "index")
    assert len(before) == SLIDES and not (out / "index").exists()
    index(root, out, work, on_bad_slide="skip")
    assert entries(work, "index") == before
    assert _indexed(out) == {**{f"s{number:03d}": None for number in range(SLIDES)}, "bad": line}
    draw(root, out)
    extract(root, out, work)


def test_cohort_slide_without_resolution_needs_a_setting(root: Path, tmp_path: Path) -> None:
    write_slide(root / "bad.tif", mpp=None, side=256, seed=99)
    list_slides(root)
    with pytest.raises(PathgenError, match=r"bad\.tif: contains no resolution .*cohort\.mpp_if_missing"):
        cohort(root)
    skipped = cohort(root, on_bad_slide="skip").set_index("slide")["skipped"]
    assert "contains no resolution" in skipped["bad"] and skipped.notna().sum() == 1
    assert cohort(root, mpp_if_missing=0.25)["skipped"].isna().all()
    index(root, tmp_path / "out", tmp_path / "work", mpp_if_missing=0.25)
    assert _indexed(tmp_path / "out")["bad"] is None


def test_cohort_lists_all_bad_files_of_the_real_data(real_data: Path, root: Path, tmp_path: Path) -> None:
    for name in _UNUSABLE:
        shutil.copyfile(real_data / "bad" / name, root / name)
    for name in ("truncated_tumor_002.xml", "empty.xml"):
        shutil.copyfile(real_data / "bad" / name, root / name)
        write_slide(root / name.replace(".xml", ".tif"), side=256, seed=90 + len(name))
    others = [path.name for path in (real_data / "bad").iterdir()]
    assert sorted(others) == sorted([*_UNUSABLE, "truncated_tumor_002.xml", "empty.xml"])
    with (root / "slides.csv").open("a") as table:
        table.writelines(f"{name},normal,\n" for name in _UNUSABLE)
        table.writelines(f"{stem}.tif,tumor,{stem}.xml\n" for stem in ("truncated_tumor_002", "empty"))
    with pytest.raises(PathgenError) as refusal:
        index(root, tmp_path, tmp_path / "work")
    assert len(str(refusal.value).splitlines()) == len(others)
    skipped = cohort(root, on_bad_slide="skip").set_index("slide")["skipped"].dropna()
    assert sorted(skipped.index) == sorted(Path(name).stem for name in others)
    assert all(len(reason) > 20 for reason in skipped)
    index(root, tmp_path, tmp_path / "work", on_bad_slide="skip")
    assert list(_indexed(tmp_path)) == [f"s{number:03d}" for number in range(SLIDES)]


def test_index_added_slide_is_the_only_work(root: Path, tmp_path: Path) -> None:
    out, work, fresh = tmp_path / "out", tmp_path / "work", tmp_path / "fresh"
    before = entries(work, "index")
    assert len(before) == SLIDES, "finished before, though its outputs are gone, as DVC removes them"
    write_cohort(root, 1, first=SLIDES)
    index(root, out, work)
    after = entries(work, "index")
    assert after.keys() - before.keys() == {f"s{SLIDES:03d}"}
    assert before.items() <= after.items(), "finished slides were done again"
    samples, old = draw(root, out), entries(work, "extract")
    extract(root, out, work)
    new = [slide for slide, entry in entries(work, "extract").items() if old.get(slide) != entry]
    read = sum(values(work, "extract", slide)[-1]["read"] for slide in new)
    assert 0 < read < len(samples) / 2, "patches that both draws have were read again"
    index(root, fresh, tmp_path / "fresh_work")
    draw(root, fresh)
    extract(root, fresh, tmp_path / "fresh_work")
    assert content(out) == content(fresh)
