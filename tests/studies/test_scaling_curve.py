"""Sets that share their beginning; points read back; what a reader is told."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from pathgen.core.errors import PathgenError
from pathgen.core.params import load_section
from pathgen.studies.scaling.curve import build_curves
from pathgen.studies.scaling.equivalence import Equivalence
from pathgen.studies.scaling.points import Curve
from pathgen.studies.scaling.settings import ScalingSettings
from pathgen.studies.scaling.subsets import first_originals, in_one_file, per_class
from pathgen.studies.scaling.wording import equal_sentence, largest_sentence

ROOT = Path(__file__).resolve().parents[2]
IMAGES = {
    label: np.random.default_rng(number).integers(0, 256, (40, 4, 4, 3), dtype=np.uint8)
    for number, label in enumerate(("normal", "tumor"))
}


def test_smaller_original_sets_begin_the_larger_ones() -> None:
    small, large = (first_originals(IMAGES, count, order_seed=1, seed=3) for count in (5, 40))
    for label, images in large.items():
        assert np.array_equal(small[label], images[:5])
        assert {image.tobytes() for image in images} == {image.tobytes() for image in IMAGES[label]}
        assert not np.array_equal(images, IMAGES[label])
        assert not np.array_equal(images, first_originals(IMAGES, 40, order_seed=2, seed=3)[label])


def test_each_seed_takes_other_originals() -> None:
    one, two = (first_originals(IMAGES, 5, order_seed=1, seed=seed) for seed in (1, 2))
    for label in IMAGES:
        first, second = ({image.tobytes() for image in taken[label]} for taken in (one, two))
        assert len(first) == len(second) == 5
        assert first != second


def test_more_than_there_are_is_refused() -> None:
    with pytest.raises(PathgenError, match="the training set has 40"):
        first_originals(IMAGES, 41, order_seed=1, seed=1)


def test_unlimited_is_what_the_steps_show_once() -> None:
    assert per_class("unlimited", max_steps=10, batch_size=16) == 80
    assert per_class("80", max_steps=10, batch_size=16) == 80
    with pytest.raises(PathgenError, match="show 80 per class"):
        per_class("81", max_steps=10, batch_size=16)


def test_both_classes_in_one_file(tmp_path: Path) -> None:
    images, labels = in_one_file(IMAGES, tmp_path / "new" / "set")
    assert np.array_equal(images, np.concatenate([IMAGES["normal"], IMAGES["tumor"]]))
    assert labels.tolist() == [0] * 40 + [1] * 40


def test_the_default_has_enough_points() -> None:
    settings = load_section("scaling", ScalingSettings, ROOT / "params.yaml")
    assert len(settings.original_sizes) >= 5 and len(settings.synthetic_sizes) >= 5
    assert len(settings.seeds) >= 3
    assert "original-1000-cnn6-1" in settings.points() and "dcgan-unlimited-cnn6-3" in settings.points()


def test_the_learning_rate_of_the_experiment_wins() -> None:
    training = load_section("scaling", ScalingSettings, ROOT / "params.yaml").training
    recipe = {"learning_rate": 0.02, "momentum": 0.9}
    assert training.changing(recipe) == {"learning_rate": 0.005, "momentum": 0.9}
    assert training.model_copy(update={"learning_rate": None}).changing(recipe) == recipe


def write_points(folder: Path, floor: float) -> list[str]:
    """Write points of an original curve and of one that falls to `floor` at most."""
    rng = np.random.default_rng(5)
    names = []
    folder.mkdir()
    for source, lowest, sizes in (
        ("original", 0.02, (10, 30, 100, 300, 1000)),
        ("dcgan", floor, (1, 10, 30, 100, 300, 1000, "unlimited")),
    ):
        for size in sizes:
            for seed in (1, 2, 3):
                count = 4000 if size == "unlimited" else int(size)
                error = min(0.5, 0.9 * count**-0.45 + lowest) + rng.normal(0, 0.004)
                names.append(f"{source}-{size}-cnn6-{seed}")
                row = {"source": source, "size": str(size), "per_class": count, "classifier": "cnn6"}
                row |= {"seed": seed, "error": float(error), "guessing": 0.5, "n": 1200, "roc_auc": 1 - error}
                (folder / f"{names[-1]}.json").write_text(json.dumps(row))
    return names


def curves(folder: Path, names: list[str]) -> None:
    made_from = {"patches/test/patches.npy": "sha256:1"}
    build_curves(folder / "points", names, folder, confidence=0.95, bootstrap=100, made_from=made_from)


def build(tmp_path: Path, floor: float) -> Path:
    curves(tmp_path, write_points(tmp_path / "points", floor))
    return tmp_path


def test_a_reader_is_told_that_no_size_reaches_the_originals(tmp_path: Path) -> None:
    folder = build(tmp_path, floor=0.1)
    summary = json.loads((folder / "summary.json").read_text())
    said = " ".join(summary["sentences"])
    assert "1,000 original patches per class" in said
    assert "are not equalled by 4,000 patches of dcgan per class, the most that were run" in said
    assert "no number would be enough" in said
    assert summary["made_from"] == {"patches/test/patches.npy": "sha256:1"}
    (figure,) = summary["figures"]
    assert figure["file"] == "curve.svg"
    for told in (summary["sentences"][-1], figure["caption"]):
        assert "not which synthetic patches were drawn" in told
    facts = json.loads((folder / "fit.json").read_text())["dcgan cnn6"]
    assert facts["law"]["left_out"] == [1.0]
    assert facts["law"]["c"]["low"] < 0.1 < facts["law"]["c"]["high"]
    assert facts["equals_original"][-1]["synthetic"] == "infinite"
    assert b"<svg" in (folder / "curve.svg").read_bytes()
    rows = (folder / "curve.csv").read_text().splitlines()
    assert len(rows) == 1 + 5 + 7


def test_the_same_points_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, again = build(tmp_path / "a", floor=0.02), build(tmp_path / "b", floor=0.02)
    for name in ("curve.csv", "fit.json", "summary.json", "curve.svg"):
        assert (first / name).read_bytes() == (again / name).read_bytes(), name
    said = " ".join(json.loads((first / "summary.json").read_text())["sentences"])
    assert "are equalled by" in said


def test_the_plot_of_dvc_tells_the_curves_apart(tmp_path: Path) -> None:
    (wanted,) = YAML(typ="safe").load(ROOT / "scaling/dvc.yaml")["stages"]["curve"]["plots"]
    ((file, plot),) = wanted.items()
    columns = (build(tmp_path, floor=0.1) / Path(file).name).read_text().splitlines()[0].split(",")
    template = (ROOT / f".dvc/plots/{plot['template']}.json").read_text()
    for axis in ("x", "y"):
        template = template.replace(f"<DVC_METRIC_{axis.upper()}>", plot[axis])
    encoding = json.loads(template)["encoding"]
    assert (encoding["color"]["field"], encoding["x"]["scale"]["type"]) == ("curve", "log")
    read = set(re.findall(r"datum\['(\w+)'\]", template)) | {
        encoding[name]["field"] for name in ("x", "color")
    }
    assert read == {"curve", "per_class", "error", "error_low", "error_high"} <= set(columns)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"source": "original"}'])
def test_a_point_that_is_none_is_named(content: str | None, tmp_path: Path) -> None:
    names = write_points(tmp_path / "points", 0.1)
    file = tmp_path / "points" / f"{names[3]}.json"
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(PathgenError, match=names[3]):
        curves(tmp_path, names)


@pytest.mark.parametrize(
    ("low", "synthetic", "high", "told"),
    [
        (300, 300, 300, "by at most 300 patches of dcgan per class, the smallest size fitted "
         "(95% interval: at most 300)."),
        (300, 300, 450, "smallest size fitted (95% interval: 300 or fewer to 450)."),
        (300, 300, math.inf, "smallest size fitted (95% interval: 300 or fewer, and upwards)."),
        (300, 400, 450, "by 400 patches of dcgan per class (95% interval: 300 or fewer to 450)."),
        (380, 400, math.inf, "by 400 patches of dcgan per class (95% interval: at least 380)."),
    ],
)  # fmt: skip
def test_equal_sizes_in_words(low: float, synthetic: float, high: float, told: str) -> None:
    curve = Curve("dcgan", "cnn6", {3000.0: np.array([0.1])}, None, test_patches=100, guessing=0.5)
    equal = Equivalence(100, 0.2, synthetic, low, high, smallest=300, reached=True)
    assert equal_sentence(curve, "cnn6", equal, 0.95).endswith(told)
    beyond = replace(equal, synthetic=5000.0, reached=False)
    upwards = "300 or fewer, and upwards" if low == 300 else "at least 380"
    assert equal_sentence(curve, "cnn6", beyond, 0.95).endswith(f"says 5,000 (95% interval: {upwards}).")


def test_the_largest_size_is_told_of_not_the_luckiest() -> None:
    def curve(source: str, errors: dict[float, float]) -> Curve:
        found = {size: np.array([error, error]) for size, error in errors.items()}
        return Curve(source, "cnn6", found, unlimited=None, test_patches=100, guessing=0.5)

    synthetic = curve("dcgan", {10.0: 0.4, 100.0: 0.2, 3000.0: 0.25})
    said = largest_sentence(synthetic, curve("original", {10.0: 0.1, 1000.0: 0.15}), "cnn6")
    assert "(3,000 per class) has a mean error of 0.250" in said
    assert "1,000 original patches per class have 0.150" in said
