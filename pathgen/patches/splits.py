"""Which slide belongs to train, valid or test: by slide, and by patient where patients are known."""

from dataclasses import dataclass

import pandas as pd

from pathgen.core.errors import PathgenError
from pathgen.core.seeding import derive_seed
from pathgen.patches.schemas import slides_known


@dataclass(frozen=True)
class _Unit:
    """What must stay together: the slides of one patient, or one slide of an unknown patient."""

    name: str
    slides: tuple[str, ...]
    official: str | None
    known: bool
    tumor_patches: int


def _units(cohort: pd.DataFrame, tumor_patches: dict[str, int]) -> list[_Unit]:
    owner = [
        f"slide {slide}" if pd.isna(patient) else f"patient {patient}"
        for slide, patient in zip(cohort["slide"], cohort["patient"], strict=True)
    ]
    units = []
    for name, rows in cohort.groupby(pd.Series(owner, index=cohort.index), sort=True):
        slides = tuple(sorted(rows["slide"]))
        official = sorted(set(rows["split"].dropna()))
        assert len(official) <= 1, f"{name} in {official}: the cohort was not checked"
        units.append(
            _Unit(
                name=str(name),
                slides=slides,
                official=official[0] if official else None,
                known=slides_known(rows),
                tumor_patches=sum(tumor_patches.get(slide, 0) for slide in slides),
            )
        )
    return units


def _drawn(units: list[_Unit], share: float, total: int, seed: int, split: str, keep: int) -> list[_Unit]:
    """Draw units until they hold the share of `total` tumor patches.

    The random order depends on nothing but seed and names. A unit is passed over when fewer than `keep`
    units with tumor would be left for the other splits, as can happen with a handful of slides.
    """
    if unknown := [unit.name for unit in units if not unit.known]:
        raise PathgenError(
            unknown[0],
            f"its patches belong to unknown slides, so {split} cannot be drawn from it by slide",
            "Use a source with official splits for all three of train, valid and test",
        )
    with_tumor = sum(unit.tumor_patches > 0 for unit in units)
    if with_tumor < keep + 1:
        raise PathgenError(
            f"sample: split {split}",
            f"{with_tumor} slides or patients with tumor patches are to be parted into {keep + 1} splits",
            "Add slides with tumor, or give official splits",
        )
    chosen: list[_Unit] = []
    for unit in sorted(units, key=lambda unit: (derive_seed(seed, "split", split, unit.name), unit.name)):
        if sum(one.tumor_patches for one in chosen) >= share * total:
            break
        if unit.tumor_patches and with_tumor == keep:
            continue
        with_tumor -= unit.tumor_patches > 0
        chosen.append(unit)
    return chosen


def assign_splits(
    cohort: pd.DataFrame,
    labelled: pd.DataFrame,
    valid_tumor_share: float,
    test_tumor_share: float | None,
    seed: int,
) -> dict[str, str]:
    """Give every slide its split.

    Official splits stay. Where there is no official test (valid) split, slides are drawn at random into
    it until it holds the share of the tumor patches; less only where the share would take the last slide
    with tumor from the other splits. Slides of one patient stay together.

    Args:
        cohort: Table `pathgen.patches.schemas.COHORT`. All slides of a patient have the same official split;
            skipped slides are left out.
        labelled: Candidates with their labels.
        valid_tumor_share: Share, in (0, 1), of the tumor patches on slides that are not test.
        test_tumor_share: Share, in (0, 1), of all tumor patches; None where test is official.
        seed: Of the draw. The order of rows does not matter.

    Returns:
        Slide to ``"train"``, ``"valid"`` or ``"test"``.

    Raises:
        PathgenError: A test split is needed and no share is given,
            slides are unknown and official splits are absent, or there are fewer slides with tumor than
            splits.

    Source:
        The study's draw: training slides at random into validation until it holds 30 % of the tumour
        patches; test as published with the data.
    """
    in_use = cohort[cohort["skipped"].isna()]
    tumor = labelled.loc[labelled["label"] == "tumor", "slide"].value_counts()
    units = _units(in_use, {str(slide): int(count) for slide, count in tumor.items()})
    split = {unit.name: unit.official for unit in units}
    if "test" not in split.values():
        if test_tumor_share is None:
            raise PathgenError(
                "params.yaml: sample.test_tumor_share",
                "is null, but the source has no official test split",
                "Set the share of tumor patches to draw into test, e.g. 0.3",
            )
        pool = [unit for unit in units if unit.official is None]
        total = sum(unit.tumor_patches for unit in units)
        keep = 1 if "valid" in split.values() else 2
        test = _drawn(pool, test_tumor_share, total, seed, "test", keep)
        split.update({unit.name: "test" for unit in test})
    if "valid" not in split.values():
        pool = [unit for unit in units if split[unit.name] != "test"]
        total = sum(unit.tumor_patches for unit in pool)
        valid = _drawn(pool, valid_tumor_share, total, seed, "valid", keep=1)
        split.update({unit.name: "valid" for unit in valid})
    return {slide: split[unit.name] or "train" for unit in units for slide in unit.slides}
