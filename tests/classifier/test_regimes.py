"""Training and validation sets of the regimes."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pathgen.classifier.regimes import build_regime
from pathgen.classifier.settings import RegimeSettings, mixed_counts
from pathgen.core.errors import PathgenError
from pathgen.patches.store import PatchSet


def patch_set(labels: list[str], first: int, size_px: int = 4) -> PatchSet:
    """Patches whose pixels all hold the patch's own number."""
    numbers = np.arange(first, first + len(labels), dtype=np.uint8)
    images = np.broadcast_to(numbers[:, None, None, None], (len(labels), size_px, size_px, 3)).copy()
    return PatchSet(images, pd.DataFrame({"label": np.array(labels, dtype=object)}))


TRAIN = patch_set(["tumor", "normal"] * 5, first=0)
VALID = patch_set(["normal"] * 3 + ["tumor"] * 3, first=50)
SHARES: dict[str, Any] = {"mixed_original": 0.5, "mixed_synthetic": 0.5, "validate_on": "original"}
SYNTHETIC = {"normal": patch_set(["normal"] * 8, 100), "tumor": patch_set(["tumor"] * 9, 150)}


def compose(
    regime: str, synthetic: Mapping[str, PatchSet] = SYNTHETIC, **changed: Any
) -> tuple[PatchSet, PatchSet]:
    seed = changed.pop("seed", 1)
    settings = RegimeSettings(**{**SHARES, **changed})
    return build_regime(regime, TRAIN, VALID, synthetic, settings, seed)  # type: ignore[arg-type]


def numbers(patches: PatchSet) -> list[int]:
    return patches.images[:, 0, 0, 0].tolist()


def counts(patches: PatchSet) -> dict[tuple[str, str], int]:
    kinds = ["synthetic" if number >= 100 else "original" for number in numbers(patches)]
    return dict(Counter(zip(kinds, patches.index["label"], strict=True)))


def test_original_regime_is_the_whole_set_without_a_copy() -> None:
    train, valid = compose("original", {})
    assert train.images is TRAIN.images
    assert train.classes.tolist() == [1, 0] * 5
    assert numbers(valid) == [50, 51, 52, 53, 54, 55]
    assert valid.classes.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("shares", "original", "synthetic"),
    [((0.5, 0.5), 2, 3), ((1.0, 1.0), 5, 5), ((1.0, 1.5), 5, 8), ((0.2, 0.1), 1, 1)],
)
def test_mixed_regime_has_the_configured_sizes(
    shares: tuple[float, float], original: int, synthetic: int
) -> None:
    train, valid = compose("mixed", mixed_original=shares[0], mixed_synthetic=shares[1])
    assert counts(train) == {
        ("original", "normal"): original,
        ("original", "tumor"): original,
        ("synthetic", "normal"): synthetic,
        ("synthetic", "tumor"): synthetic,
    }
    assert len(set(numbers(train))) == len(train), "a patch was drawn twice"
    assert numbers(valid) == [50, 51, 52, 53, 54, 55]


@pytest.mark.parametrize("regime", ["original", "mixed", "synthetic"])
def test_regime_images_and_labels_agree(regime: str) -> None:
    train, _ = compose(regime)
    # Of the original patches every second one is tumor, of the synthetic ones those from 150 on.
    tumors = [number >= 150 or (number < 100 and number % 2 == 0) for number in numbers(train)]
    assert train.classes.tolist() == tumors


def test_synthetic_regime_validates_on_original() -> None:
    train, valid = compose("synthetic")
    assert numbers(train) == [*range(100, 108), *range(150, 159)]
    assert numbers(valid) == [50, 51, 52, 53, 54, 55]


def test_validate_on_code_holds_synthetic_patches_out() -> None:
    train, valid = compose("synthetic", validate_on="code", valid_share_synthetic=0.25)
    assert counts(valid) == {("synthetic", "normal"): 2, ("synthetic", "tumor"): 2}
    assert sorted(numbers(train) + numbers(valid)) == [*range(100, 108), *range(150, 159)]
    for regime in ("original", "mixed"):
        _, others = compose(regime, validate_on="code", valid_share_synthetic=0.25)
        assert numbers(others) == [50, 51, 52, 53, 54, 55]


def test_mixed_regime_depends_on_the_seed() -> None:
    draws = [numbers(compose("mixed", seed=seed)[0]) for seed in (1, 1, 2, 3, 4)]
    assert draws[0] == draws[1]
    assert any(draw != draws[0] for draw in draws[2:])


def test_build_regime_with_too_few_patches_raises() -> None:
    few = {**SYNTHETIC, "tumor": patch_set(["tumor"] * 4, 150)}
    with pytest.raises(PathgenError, match=r"synthetic tumor set: mixed training needs 5 .* there are 4"):
        compose("mixed", few, mixed_synthetic=1.0)
    with pytest.raises(PathgenError, match=r"share of 0\.1 of 5 normal patches is none"):
        compose("mixed", mixed_original=0.1)
    with pytest.raises(PathgenError, match=r"a share of 0\.01 of 8 patches"):
        compose("synthetic", validate_on="code", valid_share_synthetic=0.01)


def test_build_regime_with_unsuitable_sets_raises() -> None:
    swapped = {"normal": SYNTHETIC["tumor"], "tumor": SYNTHETIC["normal"]}
    with pytest.raises(PathgenError, match="synthetic normal set: is not one of normal"):
        compose("synthetic", swapped)
    larger = {label: patch_set([label] * 9, 100, size_px=8) for label in ("normal", "tumor")}
    for regime in ("mixed", "synthetic"):
        with pytest.raises(PathgenError, match="another size"):
            compose(regime, larger)
    with pytest.raises(PathgenError, match="synthetic tumor set"):
        compose("synthetic", {"normal": SYNTHETIC["normal"]})
    one_class = patch_set(["normal"] * 4, 0)
    with pytest.raises(PathgenError, match="original training set: has no tumor patch"):
        build_regime("original", one_class, VALID, {}, RegimeSettings(**SHARES), 1)


@pytest.mark.parametrize(
    ("originals", "shares", "wanted"),
    [
        (100, (0.29, 0.55), (29, 55)),
        (100, (0.5, 0.5), (50, 50)),
        (101, (0.5, 0.5), (50, 51)),
        (1_000_000, (0.29, 0.55), (290_000, 550_000)),
        (3, (1.0, 0.1), (3, 1)),
    ],
)
def test_mixed_counts_round_decimal_shares_exactly(
    originals: int, shares: tuple[float, float], wanted: tuple[int, int]
) -> None:
    assert mixed_counts(originals, *shares) == wanted
